"""Longhorn: replicated block storage, offered as one StorageClass."""

from collections.abc import Iterator
from typing import Literal, TypedDict

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.storage.v1 import StorageClass
from pydantic import Field

from components.base import Component
from components.fields import Cron, DnsLabel, Model
from components.operators import OperatorSettings, operator_chart
from components.problems import Problem
from components.versions import LONGHORN

PROVISIONER = "driver.longhorn.io"
NAMESPACE = "longhorn-system"
# Longhorn's own default number of copies (Longhorn 1.11, settings reference, `default-replica-count`).
DEFAULT_REPLICAS = 3
# Minutes until a failed copy is thrown away and made anew (Longhorn 1.11, storage class parameters).
STALE_REPLICA_TIMEOUT_MINUTES = 30

Task = Literal["snapshot", "backup", "filesystem-trim"]


class RecurringJobSettings(Model):
    """A job that Longhorn runs on the volumes of its groups."""

    name: DnsLabel
    task: Task
    cron: Cron
    """When, in UTC."""
    retain: int = Field(default=7, ge=1, le=250)
    """Snapshots or backups kept for each volume; Longhorn allows at most 250."""
    concurrency: int = Field(default=2, ge=1)
    """Volumes handled at once."""
    groups: tuple[str, ...] = Field(default=("default",), strict=False)
    """``default`` takes in every volume that names no job of its own."""


class LonghornSettings(OperatorSettings):
    """The cluster's replicated storage."""

    enabled: bool = True
    """Off where the cluster brings storage of its own; then name its class where volumes are asked for."""
    replicas: int | None = Field(default=None, ge=1)
    """Copies of each volume, on as many nodes; by default 3, or the number of nodes where that is less."""
    class_version: int = Field(default=1, ge=1)
    """Part of the class's name with ``operator: chart``: parameters can't change, a new version is a new class."""
    reclaim_policy: Literal["Delete", "Retain"] = "Retain"
    """What becomes of a volume when its claim goes."""
    data_locality: Literal["disabled", "best-effort"] = "disabled"
    """``best-effort`` keeps one copy on the node where the pod runs."""
    fs_type: Literal["ext4", "xfs"] = "ext4"
    default_class: bool = True
    """Claims that name no class get this one."""
    recurring_jobs: tuple[RecurringJobSettings, ...] = Field(default=(), strict=False)
    """Snapshots, backups and trims. Backups need a backup target set in Longhorn."""

    def copies(self, nodes: int) -> int:
        """Return the copies of each volume in a cluster of so many nodes: more could never be placed."""
        return self.replicas or min(DEFAULT_REPLICAS, nodes)

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields."""
        names = [job.name for job in self.recurring_jobs]
        for number, name in enumerate(names):
            if name in names[:number]:
                yield Problem(f"recurringJobs[{number}].name", name, "a name that no other job has")


class RecurringJobSpec(TypedDict):
    """``spec`` of longhorn.io/v1beta2 ``RecurringJob``."""

    name: str
    task: Task
    cron: str
    groups: list[str]
    retain: int
    concurrency: int
    labels: dict[str, str]


def recurring_job(settings: RecurringJobSettings) -> RecurringJobSpec:
    """Return the spec of one ``RecurringJob``."""
    return {
        "name": settings.name,
        "task": settings.task,
        "cron": settings.cron,
        "groups": list(settings.groups),
        "retain": settings.retain,
        "concurrency": settings.concurrency,
        "labels": {},
    }


class Longhorn(Component):
    """The StorageClass that the stack's volumes use, recurring jobs, and with ``operator: chart`` Longhorn itself."""

    def __init__(
        self,
        name: str,
        settings: LonghornSettings,
        *,
        nodes: int,
        protect: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        copies = settings.copies(nodes)
        ready = self._operator(settings, copies=copies, protect=protect) if settings.operator == "chart" else []
        # Claims name the class. With the chart, `longhorn` belongs to longhorn-manager, which deletes and
        # recreates it as it likes, so ours has a name of its own that tells its parameters' version.
        chart_name = f"longhorn-r{copies}-v{settings.class_version}"
        storage_class = StorageClass(
            "storage-class",
            metadata=self.metadata(
                chart_name if settings.operator == "chart" else "longhorn",
                component="storage",
                annotations={
                    "storageclass.kubernetes.io/is-default-class": str(settings.default_class).lower(),
                },
            ),
            provisioner=PROVISIONER,
            reclaim_policy=settings.reclaim_policy,
            volume_binding_mode="Immediate",
            allow_volume_expansion=True,
            parameters={
                "numberOfReplicas": str(copies),
                "staleReplicaTimeout": str(STALE_REPLICA_TIMEOUT_MINUTES),
                "fsType": settings.fs_type,
                "dataLocality": settings.data_locality,
            },
            opts=self.child(depends_on=ready, protect=protect),
        )
        for job in settings.recurring_jobs:
            CustomResource(
                f"recurring-job-{job.name}",
                api_version="longhorn.io/v1beta2",
                kind="RecurringJob",
                metadata=self.metadata(job.name, NAMESPACE, component="recurring-job"),
                spec=recurring_job(job),
                opts=self.child(depends_on=ready),
            )
        self.storage_class: pulumi.Output[str] = storage_class.metadata.apply(lambda metadata: str(metadata.name))
        self.register_outputs({"storageClass": self.storage_class})

    def _operator(self, settings: LonghornSettings, *, copies: int, protect: bool) -> list[pulumi.Resource]:
        # Longhorn mounts the nodes' disks, which only `privileged` admits.
        namespace = self.namespace(NAMESPACE, security="privileged", protect=protect)
        values = {
            "persistence": {"defaultClass": False, "defaultClassReplicaCount": copies},
            "defaultSettings": {"defaultReplicaCount": copies},
            # A Helm hook, which `Chart` drops; left on, upgrades would wait for a job that never ran.
            "preUpgradeChecker": {"jobEnabled": False},
        }
        return [
            operator_chart(self, LONGHORN, settings.chart, namespace=NAMESPACE, values=values, depends_on=[namespace])
        ]
