"""The ``postgresql`` of the Zalando operator, typed."""

from collections.abc import Mapping
from typing import Literal, NotRequired, TypedDict

import pulumi

from components.postgres.backup import AdditionalVolume, Clone, EnvironmentVariable, backup_fields
from components.postgres.cluster_settings import PreparedDatabaseSettings, RoleFlag
from components.postgres.pooler import ConnectionPooler, connection_pooler
from components.postgres.rotation import rotation_spec
from components.postgres.settings import PostgresSettings
from components.postgres.tls import Tls, tls_spec


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
    pg_hba: NotRequired[list[str]]


class LabelSelector(TypedDict):
    """``labelSelector`` of a spread constraint."""

    matchLabels: dict[str, str]


class SpreadConstraint(TypedDict):
    """``spec.topologySpreadConstraints[]`` of ``postgresql``, operator 2.0 and later."""

    maxSkew: int
    topologyKey: str
    whenUnsatisfiable: Literal["ScheduleAnyway", "DoNotSchedule"]
    labelSelector: LabelSelector


class PreparedSchema(TypedDict):
    """``spec.preparedDatabases.<name>.schemas.<name>`` of ``postgresql``."""

    defaultRoles: bool
    defaultUsers: bool


class PreparedDatabase(TypedDict):
    """``spec.preparedDatabases.<name>`` of ``postgresql``."""

    defaultUsers: bool
    extensions: dict[str, str]
    schemas: NotRequired[dict[str, PreparedSchema]]


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
    preparedDatabases: NotRequired[dict[str, PreparedDatabase]]
    dockerImage: NotRequired[str]
    connectionPooler: NotRequired[ConnectionPooler]
    tls: NotRequired[Tls]
    spiloFSGroup: NotRequired[int]
    podAnnotations: NotRequired[dict[str, str]]
    usersWithSecretRotation: NotRequired[list[str]]
    usersWithInPlaceSecretRotation: NotRequired[list[str]]
    usersIgnoringSecretRotation: NotRequired[list[str]]
    logicalBackupSchedule: NotRequired[str]
    logicalBackupRetention: NotRequired[str]
    topologySpreadConstraints: NotRequired[list[SpreadConstraint]]
    env: NotRequired[list[EnvironmentVariable]]
    additionalVolumes: NotRequired[list[AdditionalVolume]]
    clone: NotRequired[Clone]


def postgresql(
    settings: PostgresSettings, storage_class: pulumi.Input[str], *, archives: bool = True
) -> PostgresqlSpec:
    """Return the spec of the ``postgresql``; not ``archives`` is one that writes to no archive."""
    spec: PostgresqlSpec = {
        "teamId": settings.team_id,
        "numberOfInstances": settings.instances,
        "postgresql": {"version": settings.version, "parameters": settings.parameters},
        "volume": {"size": settings.volume.size, "storageClass": storage_class},
        "users": {user: list(flags) for user, flags in settings.users.items()},
        "databases": settings.databases,
        "resources": settings.resources.container(),
        "patroni": _patroni(settings),
        "enableConnectionPooler": settings.pooler is not None,
        "enableReplicaConnectionPooler": settings.pooler is not None,
        "enableLogicalBackup": settings.logical_backup is not None,
        **backup_fields(settings, archives=archives),
        **tls_spec(settings.tls),
        **rotation_spec(settings.password_rotation),
    }
    if settings.prepared_databases:
        spec["preparedDatabases"] = {
            name: _prepared(database) for name, database in settings.prepared_databases.items()
        }
    if settings.image:
        spec["dockerImage"] = settings.image
    if settings.pooler:
        spec["connectionPooler"] = connection_pooler(settings.pooler, settings.pooler_image)
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


def _patroni(settings: PostgresSettings) -> Patroni:
    patroni = settings.patroni
    section: Patroni = {
        "ttl": patroni.ttl,
        "loop_wait": patroni.loop_wait,
        "retry_timeout": patroni.retry_timeout,
        "maximum_lag_on_failover": patroni.maximum_lag_on_failover,
        "synchronous_mode": patroni.synchronous_mode,
        "synchronous_mode_strict": patroni.synchronous_mode_strict,
        "failsafe_mode": patroni.failsafe_mode,
    }
    if settings.pg_hba:
        section["pg_hba"] = list(settings.pg_hba)
    return section


def _prepared(database: PreparedDatabaseSettings) -> PreparedDatabase:
    prepared: PreparedDatabase = {"defaultUsers": database.default_users, "extensions": database.extensions}
    if database.schemas:
        prepared["schemas"] = {
            name: {"defaultRoles": schema.default_roles, "defaultUsers": schema.default_users}
            for name, schema in database.schemas.items()
        }
    return prepared


def _spread(key: str, otherwise: Literal["ScheduleAnyway", "DoNotSchedule"], cluster: str) -> SpreadConstraint:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": otherwise,
        "labelSelector": {"matchLabels": {"application": "spilo", "cluster-name": cluster}},
    }
