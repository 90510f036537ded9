"""Longhorn: replicated block storage, offered as StorageClasses."""

from collections.abc import Iterator, Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.storage.v1 import StorageClass
from pydantic import Field

from components.base import Component
from components.longhorn_objects import (
    API_VERSION,
    BackupStore,
    BackupTargetSettings,
    RecurringJobSettings,
    Setting,
    ValuesSettings,
    backup_store,
    backup_target,
    recurring_job,
)
from components.operators import OperatorSettings, operator_chart
from components.problems import Problem
from components.storage_classes import (
    IS_DEFAULT,
    PROVISIONER,
    ClassSettings,
    DeclaredClass,
    OlderClassSettings,
    class_name,
)
from components.versions import LONGHORN

NAMESPACE = "longhorn-system"
# Longhorn's own default number of copies (Longhorn 1.11, settings reference, `default-replica-count`).
DEFAULT_REPLICAS = 3


class LonghornSettings(OperatorSettings, ClassSettings):
    """The cluster's replicated storage."""

    enabled: bool = True
    """Off where the cluster brings storage of its own; then name its class where volumes are asked for."""
    replicas: int | None = Field(default=None, ge=1)
    """Copies of each volume, on as many nodes; by default 3, or the number of nodes where that is less."""
    class_version: int = Field(default=1, ge=1)
    """Part of the class's name: parameters can't change, a new version is a new class."""
    older_classes: tuple[OlderClassSettings, ...] = Field(default=(), strict=False)
    """Classes of earlier versions, kept while volumes use them."""
    default_class: bool = True
    """Claims that name no class get that of ``classVersion``."""
    deleting_confirmation: bool = False
    """Let Longhorn be uninstalled, and all its volumes with it (``operator: chart``)."""
    values: ValuesSettings = Field(default_factory=ValuesSettings)
    """Longhorn's own settings."""
    recurring_jobs: tuple[RecurringJobSettings, ...] = Field(default=(), strict=False)
    """Snapshots, backups and trims."""
    backup_target: BackupTargetSettings | None = None
    """Where backups go; by default nowhere, or where the cluster's Longhorn is told to."""

    def copies(self, nodes: int) -> int:
        """Return the copies of each volume in a cluster of so many nodes: more could never be placed."""
        return self.replicas or min(DEFAULT_REPLICAS, nodes)

    def classes(self, nodes: int) -> tuple[DeclaredClass, ...]:
        """Return every class of the stack; volumes that name none get the first."""
        copies = self.copies(nodes)
        current = DeclaredClass(
            class_name(self.operator, copies, self.class_version),
            self.class_version,
            copies,
            self,
            self.default_class,
        )
        older = (
            DeclaredClass(
                class_name(self.operator, each.replicas, each.version), each.version, each.replicas, each, default=False
            )
            for each in self.older_classes
        )
        return (current, *older)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields."""
        if self.deleting_confirmation and self.operator == "existing":
            yield Problem("deletingConfirmation", True, "false with operator: existing")  # noqa: FBT003
        names = [job.name for job in self.recurring_jobs]
        for number, name in enumerate(names):
            if name in names[:number]:
                yield Problem(f"recurringJobs[{number}].name", name, "a name that no other job has")
        yield from self._class_problems()
        for number, job in enumerate(self.recurring_jobs):
            if job.task == "backup" and self.operator == "chart" and not self.backup_target:
                yield Problem(f"recurringJobs[{number}].task", job.task, "another task without backupTarget")

    def _class_problems(self) -> Iterator[Problem]:
        taken = {self.class_version}
        for number, older in enumerate(self.older_classes):
            if older.version > self.class_version or older.version in taken:
                allowed = f"a version below classVersion, {self.class_version}, that no other class has"
                yield Problem(f"olderClasses[{number}].version", older.version, allowed)
            taken.add(older.version)


def setting_values(settings: LonghornSettings, *, nodes: int, zones: int) -> dict[str, str]:
    """Return Longhorn's settings as text, by their fields' names, those that are to be declared."""
    values: Mapping[str, Any] = settings.values.model_dump(exclude_none=True)
    copies = settings.copies(nodes)
    # A zone for each copy: two in one zone would then be lost with it for no need.
    apart = {"replica_zone_soft_anti_affinity": False} if 1 < copies <= zones else {}
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in sorted({**apart, **values}.items())
    }


class Persistence(TypedDict):
    """``persistence`` of the chart."""

    defaultClass: bool
    defaultClassReplicaCount: int


class PreUpgradeChecker(TypedDict):
    """``preUpgradeChecker`` of the chart."""

    jobEnabled: bool


class LonghornValues(TypedDict):
    """Values of the chart ``longhorn`` that differ from its defaults."""

    persistence: Persistence
    defaultSettings: dict[str, int | bool | str]
    defaultBackupStore: NotRequired[BackupStore]
    preUpgradeChecker: PreUpgradeChecker


def operator_values(settings: LonghornSettings, copies: int, values: Mapping[str, str]) -> LonghornValues:
    """Return the chart's values for volumes of so many copies, and Longhorn's own settings ``values``."""
    tuned = {str(ValuesSettings.model_fields[name].alias): value for name, value in values.items()}
    chart_values: LonghornValues = {
        "persistence": {"defaultClass": False, "defaultClassReplicaCount": copies},
        # longhorn-manager makes its Settings and the BackupTarget from these, and owns them.
        "defaultSettings": {
            "defaultReplicaCount": copies,
            "deletingConfirmationFlag": settings.deleting_confirmation,
            **tuned,
        },
        # A Helm hook, which `Chart` drops; left on, upgrades would wait for a job that never ran.
        "preUpgradeChecker": {"jobEnabled": False},
    }
    if settings.backup_target:
        chart_values["defaultBackupStore"] = backup_store(settings.backup_target)
    return chart_values


class Longhorn(Component):
    """The StorageClasses of the stack's volumes, Longhorn's own objects, and with ``operator: chart`` itself."""

    def __init__(
        self,
        name: str,
        settings: LonghornSettings,
        *,
        nodes: int,
        zones: int,
        protect: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        values = setting_values(settings, nodes=nodes, zones=zones)
        if settings.operator == "chart":
            ready = self._operator(settings, copies=settings.copies(nodes), values=values, protect=protect)
        else:
            ready = []
            self._tune(settings, values)
        classes = settings.classes(nodes)
        first = min(classes, key=lambda each: each.version)
        declared = [self._storage_class(each, ready=ready, known=each is first, protect=protect) for each in classes]
        for job in settings.recurring_jobs:
            CustomResource(
                f"recurring-job-{job.name}",
                api_version=API_VERSION,
                kind="RecurringJob",
                metadata=self.metadata(job.name, NAMESPACE, component="recurring-job"),
                spec=recurring_job(job),
                opts=self.child(depends_on=ready),
            )
        self.storage_class: pulumi.Output[str] = declared[0].metadata.apply(lambda metadata: str(metadata.name))
        self.register_outputs({"storageClass": self.storage_class})

    def _storage_class(
        self, declared: DeclaredClass, *, ready: list[pulumi.Resource], known: bool, protect: bool
    ) -> StorageClass:
        # Until 0.1.0 there was one class, whose resource was called as the alias says.
        known_as = pulumi.ResourceOptions(aliases=[pulumi.Alias(name="storage-class")] if known else [])
        return StorageClass(
            f"storage-class-{declared.name}",
            # Claims name the class.
            metadata=self.metadata(
                declared.name, component="storage", annotations={IS_DEFAULT: str(declared.default).lower()}
            ),
            provisioner=PROVISIONER,
            reclaim_policy=declared.settings.reclaim_policy,
            volume_binding_mode="Immediate",
            allow_volume_expansion=True,
            parameters={key: str(value) for key, value in declared.parameters.items()},
            opts=pulumi.ResourceOptions.merge(self.child(depends_on=ready, protect=protect), known_as),
        )

    def _tune(self, settings: LonghornSettings, values: Mapping[str, str]) -> None:
        """Declare the settings of a Longhorn that somebody else installed; without the stack they stay as they are."""
        kept = pulumi.ResourceOptions.merge(self.child(), pulumi.ResourceOptions(retain_on_delete=True))
        for name, value in values.items():
            longhorns = name.replace("_", "-")
            metadata = self.metadata(longhorns, NAMESPACE, component="setting")
            Setting(f"setting-{longhorns}", metadata, value, kept)
        if settings.backup_target:
            CustomResource(
                "backup-target",
                api_version=API_VERSION,
                kind="BackupTarget",
                # Volumes that name no target use this one. Longhorn refuses to delete it.
                metadata=self.metadata("default", NAMESPACE, component="backup-target"),
                spec=backup_target(settings.backup_target),
                opts=kept,
            )

    def _operator(
        self, settings: LonghornSettings, *, copies: int, values: Mapping[str, str], protect: bool
    ) -> list[pulumi.Resource]:
        # Longhorn mounts the nodes' disks, which only `privileged` admits.
        namespace = self.namespace(NAMESPACE, security="privileged", protect=protect)
        chart_values = operator_values(settings, copies, values)
        return [
            operator_chart(
                self,
                LONGHORN,
                settings.chart,
                namespace=NAMESPACE,
                values=chart_values,
                protect=protect,
                depends_on=[namespace],
            )
        ]
