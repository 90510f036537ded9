"""Longhorn's own objects: recurring jobs, its settings and where backups go."""

import re
from typing import Annotated, Literal, TypedDict

import pulumi
from pydantic import AfterValidator, Field, WithJsonSchema

from components.fields import Cron, DnsLabel, Model, allowed

API_VERSION = "longhorn.io/v1beta2"

Task = Literal["snapshot", "backup", "filesystem-trim"]
# Choices of the setting `node-drain-policy` (Longhorn 1.10, types/setting.go).
NodeDrainPolicy = Literal[
    "block-for-eviction",
    "block-for-eviction-if-contains-last-replica",
    "block-if-contains-last-replica",
    "allow-if-replica-is-stopped",
    "always-allow",
]

_TARGET = re.compile(r"(s3|nfs|cifs|azblob)://\S+")
TargetUrl = Annotated[
    str,
    AfterValidator(allowed("an address by s3://, nfs://, cifs:// or azblob://", _TARGET.fullmatch)),
    WithJsonSchema({"type": "string", "pattern": f"^{_TARGET.pattern}$"}),
]
"""Address of a backup target, of the kinds that Longhorn 1.10 knows."""


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


class ValuesSettings(Model):
    """Longhorn's settings; one that is left out keeps Longhorn's own default, or what the cluster has."""

    node_drain_policy: NodeDrainPolicy | None = None
    """When a drain may take a node whose copies others need."""
    replica_auto_balance: Literal["disabled", "least-effort", "best-effort"] | None = None
    """Whether copies move to nodes that join."""
    storage_over_provisioning_percentage: int | None = Field(default=None, ge=0)
    """How much of a disk may be promised, of what it has."""
    storage_minimal_available_percentage: int | None = Field(default=None, ge=0, le=100)
    """Share of a disk that stays free of new copies."""
    concurrent_replica_rebuild_per_node_limit: int | None = Field(default=None, ge=0)
    """Copies that a node makes anew at once; 0 makes none."""
    replica_zone_soft_anti_affinity: bool | None = None
    """Whether two copies may share a zone; by default not, where ``cluster.zones`` has one for each copy."""


class BackupTargetSettings(Model):
    """Where backups go."""

    url: TargetUrl
    """For instance ``s3://bucket@region/folder``."""
    credentials_secret: DnsLabel | None = None
    """Secret in ``longhorn-system`` with the keys that Longhorn documents, made by another hand than this program."""
    poll_seconds: int = Field(default=300, ge=0)
    """Seconds between two looks at what is there; 0 never looks. The default is Longhorn's."""


class RecurringJobSpec(TypedDict):
    """``spec`` of longhorn.io/v1beta2 ``RecurringJob``."""

    name: str
    task: Task
    cron: str
    groups: list[str]
    retain: int
    concurrency: int
    labels: dict[str, str]


class BackupTargetSpec(TypedDict):
    """``spec`` of longhorn.io/v1beta2 ``BackupTarget``."""

    backupTargetURL: str
    credentialSecret: str
    pollInterval: str


class BackupStore(TypedDict):
    """``defaultBackupStore`` of Longhorn's chart, 1.8 and later."""

    backupTarget: str
    backupTargetCredentialSecret: str
    pollInterval: int


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


def backup_target(settings: BackupTargetSettings) -> BackupTargetSpec:
    """Return the spec of the ``BackupTarget``."""
    return {
        "backupTargetURL": settings.url,
        "credentialSecret": settings.credentials_secret or "",
        # Longhorn writes durations as Go does, and compares them as text.
        "pollInterval": _go_duration(settings.poll_seconds),
    }


def backup_store(settings: BackupTargetSettings) -> BackupStore:
    """Return the same for Longhorn's chart."""
    return {
        "backupTarget": settings.url,
        "backupTargetCredentialSecret": settings.credentials_secret or "",
        "pollInterval": settings.poll_seconds,
    }


def _go_duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{rest}s" if hours else f"{minutes}m{rest}s" if minutes else f"{rest}s"


class Setting(pulumi.CustomResource):
    """longhorn.io/v1beta2 ``Setting``, a kind without ``spec``, which the SDK's CustomResource can't declare."""

    def __init__(self, name: str, metadata: pulumi.Input[object], value: str, opts: pulumi.ResourceOptions) -> None:
        inputs = {"apiVersion": API_VERSION, "kind": "Setting", "metadata": metadata, "value": value}
        super().__init__(f"kubernetes:{API_VERSION}:Setting", name, inputs, opts)
