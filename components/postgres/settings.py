"""Settings of PostgreSQL: the operator, the main cluster, and further ones beside it."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from components.fields import DnsLabel
from components.operators import OperatorSettings
from components.postgres.backup_settings import (
    CloneSettings,
    LogicalBackupScheduleSettings,
    LogicalBackupSettings,
)
from components.postgres.cluster_settings import PostgresClusterSettings, Roles
from components.postgres.names import collisions, name_problem
from components.postgres.rotation import PasswordRotationSettings, UserRotationSettings
from components.problems import Problem
from components.versions import POSTGRES_MAJORS, POSTGRES_OPERATOR, POSTGRES_SPREAD_SINCE

# What the chart puts together again from three values.
_IMAGE = re.compile(r"[^/]+/.+:[^/:]+")


class FurtherClusterSettings(PostgresClusterSettings):
    """A cluster beside the main one, in its namespace and under its operator, for instance another team's.

    It has nothing of the main one's: what isn't set has its key's default; version, users and databases must be set.
    """

    image: str | None = None
    """Image of the database's pods; by default that of the section."""
    password_rotation: UserRotationSettings | None = None
    """Without, passwords change by hand only, or by the section's ``allUsers``."""
    logical_backup: LogicalBackupScheduleSettings | None = None
    """Goes where the section's goes."""


class PostgresSettings(OperatorSettings, PostgresClusterSettings):
    """The operator, the main PostgreSQL cluster, and further ones."""

    enabled: bool = True
    operator_version: str = POSTGRES_OPERATOR.version
    """Version of the operator that runs or will run in the cluster; decides which fields and majors it knows."""
    operator_image: str | None = None
    """Image of the operator, with ``operator: chart``; by default the chart's own."""
    pooler_image: str | None = None
    """Image of all poolers' pods; by default the one that the operator is configured with."""
    operator_namespace: DnsLabel = "postgres-operator"
    """Namespace of the operator, which is let through to the database's pods."""
    namespace: DnsLabel = "postgres"
    """Namespace of all clusters."""
    name: DnsLabel = "pgsql-cluster"
    """Name of the cluster and of its Services. Another name is another, empty cluster."""
    version: str = "17"
    """Major of PostgreSQL."""
    users: Roles = Field(default={"dbuser": ("superuser", "createdb")})
    """Roles and their attributes; the operator makes a Secret for each."""
    databases: dict[str, str] = Field(default={"defaultdb": "dbuser"})
    """Databases and their owners. The first one is exported."""
    password_rotation: PasswordRotationSettings | None = None
    """Without, passwords change by hand only."""
    logical_backup: LogicalBackupSettings | None = None
    clusters: dict[DnsLabel, FurtherClusterSettings] = Field(default_factory=dict)
    """Further clusters beside this one, by name. Another name is another, empty cluster."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields."""
        yield from self._operator_problems()
        yield from self._version_problems(self.version)
        yield from self.cluster_problems(self.name, self.password_rotation)
        for name, cluster in self.clusters.items():
            yield from (problem.within(f"clusters.{name}") for problem in self._further_problems(name, cluster))
        yield from collisions(self._names())

    def every_cluster(self) -> Iterator[tuple[str, "PostgresSettings"]]:
        """Yield all clusters but copies, the main one first, with the path of their keys."""
        yield "postgres", self
        for key, cluster in self.further_clusters():
            yield f"postgres.{key}", cluster

    def further_clusters(self) -> Iterator[tuple[str, "PostgresSettings"]]:
        """Yield ``clusters`` with the path of their keys in the section, each as if it were a main one."""
        for name in self.clusters:
            yield f"clusters.{name}", self._further(name)

    def _further(self, name: str) -> "PostgresSettings":
        cluster = self.clusters[name]
        changes: dict[str, Any] = {
            **dict(cluster),
            "name": name,
            "image": cluster.image or self.image,
            "clusters": {},
        }
        if cluster.password_rotation:
            changes["password_rotation"] = PasswordRotationSettings(**dict(cluster.password_rotation))
        if cluster.logical_backup:
            where = self.logical_backup or LogicalBackupSettings()
            changes["logical_backup"] = where.model_copy(update=dict(cluster.logical_backup))
        return self.model_copy(update=changes)

    def copy_settings(self, name: str) -> "PostgresSettings":
        """Return the settings of one of ``copies``: as this cluster, alone and filled from its archive."""
        copy = self.copies[name]
        changes: dict[str, Any] = {
            "name": name,
            "instances": copy.instances,
            "patroni": self.patroni.model_copy(update={"synchronous_mode": False, "synchronous_mode_strict": False}),
            "pooler": None,
            "password_rotation": None,
            "logical_backup": None,
            "clone": CloneSettings(cluster=self.name, timestamp=copy.timestamp),
            "copies": {},
            "clusters": {},
        }
        return self.model_copy(update=changes)

    def _names(self) -> dict[str, str]:
        """Return the name of every cluster by the key that gives it."""
        further = {f"clusters.{name}": name for name in self.clusters}
        copies = {f"copies.{copy}": copy for copy in self.copies}
        for name, cluster in self.clusters.items():
            copies |= {f"clusters.{name}.copies.{copy}": copy for copy in cluster.copies}
        return {"name": self.name, **further, **copies}

    def _operator_problems(self) -> Iterator[Problem]:
        if self._line not in POSTGRES_MAJORS:
            yield Problem("operatorVersion", self.operator_version, f"a release of {', '.join(POSTGRES_MAJORS)}")
        if self.operator_image and not _IMAGE.fullmatch(self.operator_image):
            yield Problem("operatorImage", self.operator_image, "<registry>/<repository>:<tag>")
        if self.operator == "chart" and self.logical_backup and not self.logical_backup.bucket:
            yield Problem("logicalBackup.bucket", None, "the name of a bucket, with operator: chart")
        if rotation := self.password_rotation:
            yield from (problem.within("passwordRotation") for problem in rotation.problems())
            if rotation.all_users and self.operator != "chart":
                yield Problem("passwordRotation.allUsers", True, "false with operator: existing")  # noqa: FBT003

    def _further_problems(self, name: str, cluster: FurtherClusterSettings) -> Iterator[Problem]:
        yield from name_problem(name)
        yield from self._version_problems(cluster.version)
        yield from cluster.cluster_problems(name, cluster.password_rotation)
        if cluster.logical_backup and self.operator == "chart" and self.logical_backup is None:
            allowed = "given together with postgres.logicalBackup, which says where backups go"
            yield Problem("logicalBackup", cluster.logical_backup.schedule, allowed)

    def _version_problems(self, version: str) -> Iterator[Problem]:
        majors = POSTGRES_MAJORS.get(self._line)
        if majors and version not in majors:
            yield Problem("version", version, f"one of {', '.join(majors)}, which operator {self._line} knows")

    @property
    def _line(self) -> str:
        return ".".join(self.operator_version.removeprefix("v").split(".")[:2])

    @property
    def knows_spread(self) -> bool:
        """Whether the operator's CRD has ``topologySpreadConstraints``."""
        major, minor = self.operator_version.removeprefix("v").split(".")[:2]
        return (int(major), int(minor)) >= POSTGRES_SPREAD_SINCE
