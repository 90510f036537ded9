"""Settings of PostgreSQL's backups, and of clusters that are made from them."""

import re
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, WithJsonSchema

from components.fields import Cron, DnsLabel, DnsName, Model, allowed
from components.problems import Problem

# RFC 3339 with a numeric offset, as the operator's CRD (1.15.1, 2.0.1) has it for `spec.clone.timestamp`.
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?[+-]\d\d:\d\d")
# S3's naming rules of buckets, as far as one name shows them.
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_FOLDER = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")

Timestamp = Annotated[
    str,
    AfterValidator(allowed("a moment with its offset, such as 2026-11-22T08:00:00+00:00", _TIMESTAMP.fullmatch)),
    WithJsonSchema({"type": "string", "pattern": f"^{_TIMESTAMP.pattern}$"}),
]
"""Moment with its offset from UTC."""

Bucket = Annotated[
    str,
    AfterValidator(allowed("a bucket's name: 3 to 63 of a-z, 0-9, '.' and '-'", _BUCKET.fullmatch)),
    WithJsonSchema({"type": "string", "pattern": f"^{_BUCKET.pattern}$"}),
]
"""Name of a bucket."""

Folder = Annotated[
    str,
    AfterValidator(allowed("a folder such as backups/postgres, with no slash at either end", _FOLDER.fullmatch)),
    WithJsonSchema({"type": "string", "pattern": f"^{_FOLDER.pattern}$"}),
]
"""Folder in a bucket."""


class LogicalBackupScheduleSettings(Model):
    """pg_dumpall of one cluster to S3-compatible object storage, by a CronJob of the operator."""

    schedule: Cron = "30 0 * * *"
    retention: str | None = None
    """Age at which backups are deleted, such as ``3 months``; by default they are kept."""


class LogicalBackupSettings(LogicalBackupScheduleSettings):
    """The main cluster's, and where all of them go.

    Where the storage is belongs to the operator's configuration: with ``operator: chart`` it is declared from here,
    with ``existing`` it is what the operator has.
    """

    bucket: str | None = None
    """Bucket of the backups; needed with ``operator: chart``."""
    image: str | None = None
    """Image of the CronJobs' pods; by default the chart's own."""
    region: str | None = None
    endpoint: str | None = None
    """URL of the storage, where it is not AWS."""
    credentials_secret: DnsLabel | None = None
    """Secret in the cluster's namespace with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; by default the pods' role."""


class WalBackupSettings(Model):
    """An archive of WAL and base backups in S3-compatible object storage: restores to any moment that it covers."""

    bucket: Bucket
    """Bucket of the archive."""
    prefix: Folder | None = None
    """Folder of the bucket, in which the archive is ``spilo/<name>/wal/<version>``. Another one is another archive."""
    region: str | None = None
    endpoint: str | None = None
    """URL of the storage, where it is not AWS."""
    force_path_style: bool = False
    """Ask for ``<endpoint>/<bucket>`` instead of ``<bucket>.<endpoint>``, as most storages but AWS want it."""
    credentials_secret: DnsLabel | None = None
    """Secret in the cluster's namespace with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; by default the pods' role."""
    ca_config_map: DnsName | None = None
    """ConfigMap of the cluster's namespace whose ``ca.crt`` signed the storage's certificate; default: public ones."""
    schedule: Cron = "0 1 * * *"
    """When base backups are taken, UTC."""
    retention_days: int = Field(default=7, ge=2)
    """Days back to which the database can be restored; as many base backups are kept at least."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields."""
        if self.endpoint is not None:
            endpoint = urlsplit(self.endpoint)
            if endpoint.scheme not in {"http", "https"} or not endpoint.hostname or endpoint.path.strip("/"):
                yield Problem("endpoint", self.endpoint, "http(s)://<host>[:<port>]")

    def path(self, cluster: str, major: str) -> str:
        """Return the folder in the bucket of a cluster's archive, as the published image makes it."""
        return "/".join(filter(None, (self.prefix, "spilo", cluster, "wal", major)))


class CloneSettings(Model):
    """The archive that the cluster is filled from when it is made; the operator ignores it where the cluster exists."""

    cluster: DnsLabel
    """Name of the cluster whose archive it is."""
    timestamp: Timestamp
    """Moment to restore, with its offset from UTC; the archive must have WAL of a later one."""
    path: Folder | None = None
    """Folder of the archive in the bucket of ``walBackup``; by default where ``walBackup`` has it for that cluster."""


class CopySettings(Model):
    """A second cluster beside this one, with this one's data of an earlier moment: to look up and bring back rows.

    It archives nothing itself. Give each one a name of its own: an old volume would be taken up again.
    """

    timestamp: Timestamp
    """Moment to restore, with its offset from UTC."""
    instances: int = Field(default=1, ge=1)
    """The copy's primary and its replicas; no synchronous mode."""
