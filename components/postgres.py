"""PostgreSQL: one ``postgresql`` of the Zalando operator, three instances by default."""

from collections.abc import Iterator, Mapping
from typing import Literal, NotRequired, TypedDict

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pydantic import Field

from components.base import Component, from_clients, from_namespace, tcp
from components.fields import Cron, DnsLabel, Model, Quantity, Resources
from components.operators import OperatorSettings, operator_chart
from components.problems import Problem
from components.versions import POSTGRES_MAJORS, POSTGRES_OPERATOR, POSTGRES_SPREAD_SINCE

PORT = 5432
# Patroni's API, which members and operator ask who is primary.
PATRONI_PORT = 8008
# Patroni needs one standby to fail over to, and one more to stay synchronous while one is away.
SYNCHRONOUS_INSTANCES = 2
STRICT_INSTANCES = 3

# Role attributes of PostgreSQL that the operator's CRD accepts.
RoleFlag = Literal[
    "superuser", "createdb", "createrole", "inherit", "login", "replication", "bypassrls",
    "nosuperuser", "nocreatedb", "nocreaterole", "noinherit", "nologin", "noreplication", "nobypassrls",
]  # fmt: skip


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


class PoolerSettings(Model):
    """PgBouncer beside the cluster."""

    instances: int = Field(default=2, ge=1)
    mode: Literal["transaction", "session"] = "transaction"


class LogicalBackupSettings(Model):
    """pg_dumpall to S3-compatible object storage, by a CronJob of the operator.

    Where the storage is belongs to the operator's configuration: with ``operator: chart`` it is declared from here,
    with ``existing`` it is what the operator has.
    """

    bucket: str | None = None
    """Bucket of the backups; needed with ``operator: chart``."""
    region: str | None = None
    endpoint: str | None = None
    """URL of the storage, where it is not AWS."""
    credentials_secret: DnsLabel | None = None
    """Secret in the cluster's namespace with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; by default the pods' role."""
    schedule: Cron = "30 0 * * *"
    retention: str | None = None
    """Age at which backups are deleted, such as ``3 months``; by default they are kept."""


class PostgresSettings(OperatorSettings):
    """The PostgreSQL cluster."""

    enabled: bool = True
    operator_version: str = POSTGRES_OPERATOR.version
    """Version of the operator that runs or will run in the cluster; decides which fields and majors it knows."""
    operator_namespace: DnsLabel = "postgres-operator"
    """Namespace of the operator, which is let through to the database's pods."""
    namespace: DnsLabel = "postgres"
    name: DnsLabel = "pgsql-cluster"
    """Name of the cluster and of its Services. Another name is another, empty cluster."""
    team_id: DnsLabel = "pgsql"
    version: str = "17"
    """Major of PostgreSQL."""
    instances: int = Field(default=3, ge=1)
    """The primary and its replicas."""
    volume: VolumeSettings = Field(default_factory=VolumeSettings)
    users: dict[str, tuple[RoleFlag, ...]] = Field(default={"dbuser": ("superuser", "createdb")}, strict=False)
    """Roles and their attributes; the operator makes a Secret for each."""
    databases: dict[str, str] = Field(default={"defaultdb": "dbuser"})
    """Databases and their owners. The first one is exported."""
    parameters: dict[str, str] = Field(default_factory=dict)
    """Server parameters, all values as text."""
    resources: Resources = Field(default_factory=lambda: Resources(cpu="250m", memory="512Mi", cpu_limit="2"))
    """Of each instance. Without ``cpuLimit`` the operator writes its own default limit of one core."""
    patroni: PatroniSettings = Field(default_factory=PatroniSettings)
    pooler: PoolerSettings | None = None
    logical_backup: LogicalBackupSettings | None = None

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields."""
        yield from self._version_problems()
        yield from self._patroni_problems()
        if self.operator == "chart" and self.logical_backup and not self.logical_backup.bucket:
            yield Problem("logicalBackup.bucket", None, "the name of a bucket, with operator: chart")
        if not self.databases:
            yield Problem("databases", {}, "one database or more, of which the first is exported")
        for database, owner in self.databases.items():
            if owner not in self.users:
                yield Problem(f"databases.{database}", owner, f"one of users: {', '.join(self.users)}")

    def _version_problems(self) -> Iterator[Problem]:
        line = ".".join(self.operator_version.removeprefix("v").split(".")[:2])
        if line not in POSTGRES_MAJORS:
            yield Problem("operatorVersion", self.operator_version, f"a release of {', '.join(POSTGRES_MAJORS)}")
        elif self.version not in POSTGRES_MAJORS[line]:
            allowed = f"one of {', '.join(POSTGRES_MAJORS[line])}, which operator {line} knows"
            yield Problem("version", self.version, allowed)

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

    @property
    def knows_spread(self) -> bool:
        """Whether the operator's CRD has ``topologySpreadConstraints``."""
        major, minor = self.operator_version.removeprefix("v").split(".")[:2]
        return (int(major), int(minor)) >= POSTGRES_SPREAD_SINCE


class Volume(TypedDict):
    """``spec.volume`` of ``postgresql``."""

    size: str
    storageClass: pulumi.Input[str]


class PostgresqlVersion(TypedDict):
    """``spec.postgresql`` of ``postgresql``."""

    version: str
    parameters: Mapping[str, str]


class Patroni(TypedDict):
    """``spec.patroni`` of ``postgresql``."""

    ttl: int
    loop_wait: int
    retry_timeout: int
    maximum_lag_on_failover: int
    synchronous_mode: bool
    synchronous_mode_strict: bool
    failsafe_mode: bool


class LabelSelector(TypedDict):
    """``labelSelector`` of a spread constraint."""

    matchLabels: dict[str, str]


class SpreadConstraint(TypedDict):
    """``spec.topologySpreadConstraints[]`` of ``postgresql``, operator 2.0 and later."""

    maxSkew: int
    topologyKey: str
    whenUnsatisfiable: Literal["ScheduleAnyway", "DoNotSchedule"]
    labelSelector: LabelSelector


class ConnectionPooler(TypedDict):
    """``spec.connectionPooler`` of ``postgresql``."""

    numberOfInstances: int
    mode: Literal["transaction", "session"]


class PostgresqlSpec(TypedDict):
    """``spec`` of acid.zalan.do/v1 ``postgresql``."""

    teamId: str
    numberOfInstances: int
    postgresql: PostgresqlVersion
    volume: Volume
    users: dict[str, list[RoleFlag]]
    databases: dict[str, str]
    resources: dict[str, dict[str, str]]
    patroni: Patroni
    enableConnectionPooler: bool
    enableReplicaConnectionPooler: bool
    enableLogicalBackup: bool
    connectionPooler: NotRequired[ConnectionPooler]
    logicalBackupSchedule: NotRequired[str]
    logicalBackupRetention: NotRequired[str]
    topologySpreadConstraints: NotRequired[list[SpreadConstraint]]


def postgresql(settings: PostgresSettings, storage_class: pulumi.Input[str]) -> PostgresqlSpec:
    """Return the spec of the ``postgresql``."""
    spec: PostgresqlSpec = {
        "teamId": settings.team_id,
        "numberOfInstances": settings.instances,
        "postgresql": {"version": settings.version, "parameters": settings.parameters},
        "volume": {"size": settings.volume.size, "storageClass": storage_class},
        "users": {user: list(flags) for user, flags in settings.users.items()},
        "databases": settings.databases,
        "resources": settings.resources.container(),
        "patroni": _patroni(settings.patroni),
        "enableConnectionPooler": settings.pooler is not None,
        "enableReplicaConnectionPooler": settings.pooler is not None,
        "enableLogicalBackup": settings.logical_backup is not None,
    }
    if settings.pooler:
        spec["connectionPooler"] = {
            "numberOfInstances": settings.pooler.instances,
            "mode": settings.pooler.mode,
        }
    if settings.logical_backup:
        spec["logicalBackupSchedule"] = settings.logical_backup.schedule
        if settings.logical_backup.retention:
            spec["logicalBackupRetention"] = settings.logical_backup.retention
    if settings.knows_spread:
        spec["topologySpreadConstraints"] = [
            _spread("topology.kubernetes.io/zone", "ScheduleAnyway", settings.name),
            _spread("kubernetes.io/hostname", "DoNotSchedule", settings.name),
        ]
    return spec


def _backup_storage(backup: LogicalBackupSettings) -> dict[str, str]:
    """Return the chart's ``configLogicalBackup``; without a value the chart's own default stays."""
    values = {
        "logical_backup_s3_bucket": backup.bucket,
        "logical_backup_s3_region": backup.region,
        "logical_backup_s3_endpoint": backup.endpoint,
        "logical_backup_cronjob_environment_secret": backup.credentials_secret,
    }
    return {key: value for key, value in values.items() if value}


def _patroni(patroni: PatroniSettings) -> Patroni:
    return {
        "ttl": patroni.ttl,
        "loop_wait": patroni.loop_wait,
        "retry_timeout": patroni.retry_timeout,
        "maximum_lag_on_failover": patroni.maximum_lag_on_failover,
        "synchronous_mode": patroni.synchronous_mode,
        "synchronous_mode_strict": patroni.synchronous_mode_strict,
        "failsafe_mode": patroni.failsafe_mode,
    }


def _spread(key: str, otherwise: Literal["ScheduleAnyway", "DoNotSchedule"], cluster: str) -> SpreadConstraint:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": otherwise,
        "labelSelector": {"matchLabels": {"application": "spilo", "cluster-name": cluster}},
    }


class Postgres(Component):
    """The ``postgresql`` in its Namespace, and with ``operator: chart`` the Zalando operator."""

    def __init__(
        self,
        name: str,
        settings: PostgresSettings,
        *,
        storage_class: pulumi.Input[str],
        domain: str,
        protect: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        # `baseline`: the published Spilo image starts as root and drops to postgres by itself.
        namespace = self.namespace(settings.namespace, security="baseline", protect=protect)
        self.ingress_policy(
            settings.name,
            settings.namespace,
            [
                {"from_": [from_clients("postgres")], "ports": tcp(PORT)},
                # Members, poolers and backups among themselves, and the operator.
                {
                    "from_": [{"pod_selector": {}}, from_namespace(settings.operator_namespace)],
                    "ports": tcp(PORT, PATRONI_PORT),
                },
            ],
            component="database",
            depends_on=[namespace],
        )
        ready = self._operator(settings, protect=protect) if settings.operator == "chart" else []
        CustomResource(
            "cluster",
            api_version="acid.zalan.do/v1",
            kind="postgresql",
            # Holds the data: the operator deletes the database with this object.
            metadata=self.metadata(settings.name, settings.namespace, component="database"),
            spec=postgresql(settings, storage_class),
            opts=self.child(depends_on=[namespace, *ready], protect=protect),
        )
        database, user = next(iter(settings.databases.items()))
        suffix = f"{settings.namespace}.svc.{domain}"
        self.connection = {
            "host": f"{settings.name}.{suffix}",
            "replicaHost": f"{settings.name}-repl.{suffix}",
            "port": PORT,
            "database": database,
            "user": user,
            "credentialsSecret": {
                "namespace": settings.namespace,
                # The operator's default `secret_name_template`.
                "name": f"{user}.{settings.name}.credentials.postgresql.acid.zalan.do",
                "usernameKey": "username",
                "passwordKey": "password",
            },
        }
        self.register_outputs({"connection": self.connection})

    def _operator(self, settings: PostgresSettings, *, protect: bool) -> list[pulumi.Resource]:
        namespace = self.namespace(settings.operator_namespace, security="baseline", protect=protect)
        values = {
            "configGeneral": {
                # The chart and the plain manifests differ here, and switching it live risks two primaries.
                "kubernetes_use_configmaps": False,
            },
            "configKubernetes": {
                "enable_pod_antiaffinity": True,
                "enable_persistent_volume_claim_deletion": not protect,
                "enable_owner_references": True,
                "enable_finalizers": False,
                "watched_namespace": settings.namespace,
            },
            # A rolling update that misses a pod's deletion waits this long instead of the default 10 minutes.
            "configTimeouts": {"pod_deletion_wait_timeout": "60s"},
            **({"configLogicalBackup": _backup_storage(settings.logical_backup)} if settings.logical_backup else {}),
        }
        return [
            operator_chart(
                self,
                POSTGRES_OPERATOR,
                settings.chart.model_copy(update={"version": settings.chart.version or settings.operator_version}),
                namespace=settings.operator_namespace,
                values=values,
                depends_on=[namespace],
            )
        ]
