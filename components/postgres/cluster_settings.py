"""Settings of one PostgreSQL cluster, whichever of the section's it is."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from components.fields import DnsLabel, Model, Quantity, Resources
from components.postgres.backup_settings import CloneSettings, CopySettings, WalBackupSettings
from components.postgres.pooler import PoolerSettings
from components.postgres.rotation import UserRotationSettings
from components.postgres.tls import PostgresTlsSettings
from components.problems import Problem

# Patroni needs one standby to fail over to, and one more to stay synchronous while one is away.
SYNCHRONOUS_INSTANCES = 2
STRICT_INSTANCES = 3
# What PostgreSQL itself has where the settings say nothing.
MAX_CONNECTIONS = 100

# Role attributes of PostgreSQL that the operator's CRD accepts.
RoleFlag = Literal[
    "superuser", "createdb", "createrole", "inherit", "login", "replication", "bypassrls",
    "nosuperuser", "nocreatedb", "nocreaterole", "noinherit", "nologin", "noreplication", "nobypassrls",
]  # fmt: skip
Roles = dict[str, Annotated[tuple[RoleFlag, ...], Field(strict=False)]]


class VolumeSettings(Model):
    """The volume of each instance."""

    size: Quantity = "1Gi"
    """Size in bytes; can grow, never shrink."""
    storage_class: DnsLabel | None = None
    """Class of the volume; by default the one that Longhorn offers."""


class PatroniSettings(Model):
    """How Patroni keeps the cluster available; seconds. Defaults are Patroni's own (3.x, dynamic configuration)."""

    ttl: int = Field(default=30, ge=20)
    """Age at which the primary's lease has run out."""
    loop_wait: int = Field(default=10, ge=1)
    retry_timeout: int = Field(default=10, ge=3)
    maximum_lag_on_failover: int = Field(default=33554432, ge=0)
    """Bytes that a replica may be behind and still become primary; 32 MiB, the Zalando operator's default."""
    synchronous_mode: bool = False
    """Commit waits for a standby, so that no committed row is lost with the primary."""
    synchronous_mode_strict: bool = False
    """Without a standby, writes stop instead of going on unsafely."""
    failsafe_mode: bool = False
    """The primary stays primary while the API server is away, as long as all members answer it."""


class PreparedSchemaSettings(Model):
    """A schema of a prepared database."""

    default_roles: bool = True
    """Make roles ``<database>_<schema>_owner``, ``_reader`` and ``_writer`` without login."""
    default_users: bool = False
    """Make users with login for these roles, and a Secret for each."""


class PreparedDatabaseSettings(Model):
    """A database whose owner, reader and writer the operator makes: for applications, without superusers."""

    default_users: bool = True
    """Make users ``<database>_owner_user``, ``_reader_user`` and ``_writer_user`` with login, and a Secret for each."""
    extensions: dict[str, str] = Field(default_factory=dict)
    """Extensions and the schemas they are made in."""
    schemas: dict[str, PreparedSchemaSettings] = Field(default_factory=dict)
    """By default one, called ``data``."""

    def logins(self, name: str) -> Iterator[str]:
        """Yield the users with login that the operator makes for the database of that name."""
        owners = [name] if self.default_users else []
        owners += [f"{name}_{schema}" for schema, settings in self.schemas.items() if settings.default_users]
        yield from (f"{owner}_{role}_user" for owner in owners for role in ("owner", "reader", "writer"))


class PostgresClusterSettings(Model):
    """What belongs to one cluster, and not to the operator that runs all of them."""

    image: str | None = None
    """Image of the database's pods; by default the one that the operator is configured with."""
    team_id: DnsLabel = "pgsql"
    version: str
    """Major of PostgreSQL."""
    instances: int = Field(default=3, ge=1)
    """The primary and its replicas."""
    volume: VolumeSettings = Field(default_factory=VolumeSettings)
    users: Roles
    """Roles and their attributes; the operator makes a Secret for each."""
    databases: dict[str, str]
    """Databases and their owners. The first one is exported."""
    prepared_databases: dict[str, PreparedDatabaseSettings] = Field(default_factory=dict)
    """Databases with roles of their own for owner, reader and writer."""
    pg_hba: tuple[str, ...] = Field(default=(), strict=False)
    """Lines of pg_hba.conf in place of the image's own: without a login for all, replication and operator stay out."""
    parameters: dict[str, str] = Field(default_factory=dict)
    """Server parameters, all values as text."""
    resources: Resources = Field(default_factory=lambda: Resources(cpu="250m", memory="512Mi", cpu_limit="2"))
    """Of each instance. Without ``cpuLimit`` the operator writes its own default limit of one core."""
    patroni: PatroniSettings = Field(default_factory=PatroniSettings)
    pooler: PoolerSettings | None = None
    tls: PostgresTlsSettings | None = None
    """Without, every pod has a certificate of its own making, which clients can't check."""
    wal_backup: WalBackupSettings | None = None
    clone: CloneSettings | None = None
    """What the cluster is filled from when it is made; counts for nothing where it exists."""
    copies: dict[DnsLabel, CopySettings] = Field(default_factory=dict)
    """Clusters beside this one, by name, each with this one's data of an earlier moment, out of ``walBackup``."""

    def cluster_problems(self, name: str, rotation: UserRotationSettings | None) -> Iterator[Problem]:
        """Yield what is wrong between the fields of the cluster of that name, whose passwords change so."""
        yield from self._patroni_problems()
        yield from self._clone_problems(name)
        yield from self._pooler_problems()
        yield from self._rotation_problems(rotation)
        if self.tls:
            yield from (problem.within("tls") for problem in self.tls.problems())
        yield from self._database_problems()

    def _database_problems(self) -> Iterator[Problem]:
        if not self.databases:
            yield Problem("databases", {}, "one database or more, of which the first is exported")
        for database in set(self.databases) & set(self.prepared_databases):
            yield Problem(f"preparedDatabases.{database}", database, "a name that is not in databases too")
        for database, owner in self.databases.items():
            if owner not in self.users:
                yield Problem(f"databases.{database}", owner, f"one of users: {', '.join(self.users)}")

    def _patroni_problems(self) -> Iterator[Problem]:
        patroni = self.patroni
        needed = STRICT_INSTANCES if patroni.synchronous_mode_strict else SYNCHRONOUS_INSTANCES
        if patroni.synchronous_mode and self.instances < needed:
            yield Problem("instances", self.instances, f"{needed} or more with this synchronous mode")
        if patroni.synchronous_mode_strict and not patroni.synchronous_mode:
            yield Problem("patroni.synchronousModeStrict", True, "false while synchronousMode is false")  # noqa: FBT003
        # Patroni's own rule: a primary must be able to retry once and still renew its lease.
        if patroni.loop_wait + 2 * patroni.retry_timeout > patroni.ttl:
            allowed = f"{patroni.loop_wait + 2 * patroni.retry_timeout} or more (loopWait + 2 * retryTimeout)"
            yield Problem("patroni.ttl", patroni.ttl, allowed)

    def _clone_problems(self, name: str) -> Iterator[Problem]:
        if self.wal_backup is None:
            needed = "given together with walBackup, whose storage is read"
            if self.clone:
                yield Problem("clone", self.clone.cluster, needed)
            if self.copies:
                yield Problem("copies", sorted(self.copies), needed)
            return
        yield from (problem.within("walBackup") for problem in self.wal_backup.problems())
        if self.clone and self.clone_path == self.wal_backup.path(name, self.version):
            yield Problem("clone.path", self.clone_path, "an archive that this cluster doesn't write: another prefix")

    @property
    def clone_path(self) -> str:
        """Folder in the bucket of the archive that the cluster is filled from; none without ``clone``."""
        if self.clone is None or self.wal_backup is None:
            return ""
        return self.clone.path or self.wal_backup.path(self.clone.cluster, self.version)

    def _pooler_problems(self) -> Iterator[Problem]:
        if self.pooler is None:
            return
        yield from (problem.within("pooler") for problem in self.pooler.problems())
        most = self.parameters.get("max_connections", str(MAX_CONNECTIONS))
        wanted = self.pooler.max_db_connections
        if most.isdecimal() and wanted >= int(most):
            yield Problem("pooler.maxDbConnections", wanted, f"less than max_connections, {most}, of all clients")

    def _rotation_problems(self, rotation: UserRotationSettings | None) -> Iterator[Problem]:
        if rotation is None:
            return
        prepared = (user for name, database in self.prepared_databases.items() for user in database.logins(name))
        found = rotation.problems_among((*self.users, *prepared), set(self.databases.values()))
        yield from (problem.within("passwordRotation") for problem in found)
