"""The parts of the contract, one class each. An attribute's name is its key's, with underscores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from platform_exports.reading import NUMBER, TEXT, TEXT_BY_NAME, TEXTS, TRUTH, Section

if TYPE_CHECKING:
    from pulumi import Output


class Network(Section):
    """The network of all pods."""

    @property
    def pod_cidrs(self) -> Output[list[str]]:
        """Networks that pods have addresses of."""
        return self.read("podCidrs", TEXTS)


class Storage(Section):
    """The storage of the cluster."""

    @property
    def storage_class(self) -> Output[str]:
        """Class to name in volume claims."""
        return self.read("storageClass", TEXT)


class SecretReference(Section):
    """A Secret of the platform: where it is, never what is in it."""

    @property
    def namespace(self) -> Output[str]:
        """Namespace of the Secret, and of the service whose credentials it holds."""
        return self.read("namespace", TEXT)

    @property
    def name(self) -> Output[str]:
        """Name of the Secret."""
        return self.read("name", TEXT)

    @property
    def id(self) -> Output[str]:
        """Its id ``namespace/name``, by which ``Secret.get`` of pulumi_kubernetes finds it."""
        return pulumi.Output.concat(self.namespace, "/", self.name)


class CredentialsSecret(SecretReference):
    """A Secret with a user and a password."""

    @property
    def username_key(self) -> Output[str]:
        """Key of the user's name."""
        return self.read("usernameKey", TEXT)

    @property
    def password_key(self) -> Output[str]:
        """Key of the password."""
        return self.read("passwordKey", TEXT)


class PasswordSecret(SecretReference):
    """A Secret with a password."""

    @property
    def key(self) -> Output[str]:
        """Key of the password."""
        return self.read("key", TEXT)


class PostgresCluster(Section):
    """A PostgreSQL cluster."""

    @property
    def host(self) -> Output[str]:
        """DNS name of the primary."""
        return self.read("host", TEXT)

    @property
    def replica_host(self) -> Output[str]:
        """DNS name of the replicas, for reads."""
        return self.read("replicaHost", TEXT)

    @property
    def pooler_host(self) -> Output[str]:
        """DNS name of the PgBouncers before the primary."""
        return self.read("poolerHost", TEXT)

    @property
    def pooler_replica_host(self) -> Output[str]:
        """DNS name of the PgBouncers before the replicas."""
        return self.read("poolerReplicaHost", TEXT)

    @property
    def port(self) -> Output[int]:
        """TCP port of primary and replicas, and of the PgBouncers."""
        return self.read("port", NUMBER)

    @property
    def database(self) -> Output[str]:
        """Database that clients use."""
        return self.read("database", TEXT)

    @property
    def user(self) -> Output[str]:
        """Owner of the database."""
        return self.read("user", TEXT)

    @property
    def credentials_secret(self) -> CredentialsSecret:
        """Where the user's credentials are."""
        return CredentialsSecret(*self.section("credentialsSecret"))


class Postgres(PostgresCluster):
    """The main PostgreSQL cluster, and further ones beside it."""

    def cluster(self, name: str) -> PostgresCluster:
        """Return the further cluster of that name, ``platform:postgres.clusters.<name>`` of the platform."""
        clusters = Section(*self.section("clusters"))
        return PostgresCluster(*clusters.section(name))


class Sentinel(Section):
    """The Sentinels of Redis, which know who is primary."""

    @property
    def hosts(self) -> Output[list[str]]:
        """DNS names of the Sentinels."""
        return self.read("hosts", TEXTS)

    @property
    def port(self) -> Output[int]:
        """TCP port of every Sentinel."""
        return self.read("port", NUMBER)

    @property
    def master_name(self) -> Output[str]:
        """Name under which the Sentinels know the primary."""
        return self.read("masterName", TEXT)


class Redis(Section):
    """Redis."""

    @property
    def host(self) -> Output[str]:
        """DNS name of the primary."""
        return self.read("host", TEXT)

    @property
    def replica_hosts(self) -> Output[list[str]]:
        """DNS names of the replicas; none with one instance."""
        return self.read("replicaHosts", TEXTS)

    @property
    def port(self) -> Output[int]:
        """TCP port of every instance."""
        return self.read("port", NUMBER)

    @property
    def username(self) -> Output[str]:
        """User whose password the Secret holds."""
        return self.read("username", TEXT)

    @property
    def tls(self) -> Output[bool]:
        """Whether clients must use TLS."""
        return self.read("tls", TRUTH)

    @property
    def sentinel(self) -> Sentinel:
        """The Sentinels."""
        return Sentinel(*self.section("sentinel"))

    @property
    def password_secret(self) -> PasswordSecret:
        """Where the password is."""
        return PasswordSecret(*self.section("passwordSecret"))


class Websites(Section):
    """The Websites that the platform's own stack declares."""

    @property
    def urls(self) -> Output[dict[str, str]]:
        """Address of each Website by its name."""
        return self.read("urls", TEXT_BY_NAME)


class Memcached(Section):
    """The Memcacheds that the platform's own stack declares."""

    @property
    def hosts(self) -> Output[dict[str, str]]:
        """DNS name of all nodes of each Memcached by its name."""
        return self.read("hosts", TEXT_BY_NAME)

    @property
    def port(self) -> Output[int]:
        """TCP port of every node."""
        return self.read("port", NUMBER)
