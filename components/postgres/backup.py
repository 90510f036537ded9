"""What the ``postgresql`` says of WAL archives and clones: variables of the published image, and ``spec.clone``.

Names: Spilo's ``ENVIRONMENT.rst`` and ``configure_spilo.py``; ``generateSpiloPodEnvVars`` and
``generateCloneEnvironment`` of the Zalando operator 1.15.1. Why variables and not the operator's configuration:
ADR 21.
"""

from collections.abc import Iterator
from typing import NotRequired, TypedDict

from components.postgres.backup_settings import CloneSettings, WalBackupSettings
from components.postgres.settings import PostgresSettings

_CA_FOLDER, _CA_KEY = "/etc/wal-backup", "ca.crt"
_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


class SecretKey(TypedDict):
    """``secretKeyRef`` of a variable."""

    name: str
    key: str


class EnvironmentVariable(TypedDict):
    """``spec.env[]`` of ``postgresql``."""

    name: str
    value: NotRequired[str]
    valueFrom: NotRequired[dict[str, SecretKey]]


class AdditionalVolume(TypedDict):
    """``spec.additionalVolumes[]`` of ``postgresql``."""

    name: str
    mountPath: str
    volumeSource: dict[str, dict[str, str]]


class Clone(TypedDict):
    """``spec.clone`` of ``postgresql``."""

    cluster: str
    timestamp: str
    s3_wal_path: str
    s3_force_path_style: bool
    s3_endpoint: NotRequired[str]


class BackupFields(TypedDict, total=False):
    """Fields of ``spec`` that backups and clones add."""

    env: list[EnvironmentVariable]
    additionalVolumes: list[AdditionalVolume]
    clone: Clone


def backup_fields(settings: PostgresSettings, *, archives: bool) -> BackupFields:
    """Return what ``walBackup`` and ``clone`` add to the spec; not ``archives`` is a cluster that only reads."""
    backup = settings.wal_backup
    if backup is None:
        return {}
    fields: BackupFields = {"env": [*_archive(backup), *_login(backup, "")] if archives else []}
    if backup.ca_config_map:
        source = {"configMap": {"name": backup.ca_config_map}}
        fields["additionalVolumes"] = [{"name": "wal-backup-ca", "mountPath": _CA_FOLDER, "volumeSource": source}]
    if settings.clone:
        # The operator has no other way to name a Secret; what it has for the keys themselves would show them.
        fields["env"] += _login(backup, "CLONE_")
        fields["clone"] = _clone(settings.clone, settings.clone_path, backup)
    return fields


def _clone(clone: CloneSettings, path: str, backup: WalBackupSettings) -> Clone:
    section: Clone = {
        "cluster": clone.cluster,
        "timestamp": clone.timestamp,
        "s3_wal_path": f"s3://{backup.bucket}/{path}",
        "s3_force_path_style": backup.force_path_style,
    }
    if backup.endpoint:
        section["s3_endpoint"] = backup.endpoint
    return section


def _archive(backup: WalBackupSettings) -> list[EnvironmentVariable]:
    variables = {
        "USE_WALG_BACKUP": "true",
        "USE_WALG_RESTORE": "true",
        "WAL_S3_BUCKET": "/".join(filter(None, (backup.bucket, backup.prefix))),
        # Said, though empty: else the image puts the namespace there, and an operator with a bucket of its own the UID.
        "WAL_BUCKET_SCOPE_PREFIX": "",
        "WAL_BUCKET_SCOPE_SUFFIX": "",
        # Another cluster of the same name fails to archive instead of spoiling the archive of the first.
        "WALG_PREVENT_WAL_OVERWRITE": "true",
        "AWS_S3_FORCE_PATH_STYLE": str(backup.force_path_style).lower(),
        "BACKUP_SCHEDULE": backup.schedule,
        "BACKUP_NUM_TO_RETAIN": str(backup.retention_days),
    }
    if backup.endpoint:
        variables["AWS_ENDPOINT"] = backup.endpoint
    return [{"name": name, "value": value} for name, value in variables.items()]


def _login(backup: WalBackupSettings, prefix: str) -> Iterator[EnvironmentVariable]:
    """Yield the variables that the operator doesn't make for a clone by itself."""
    if backup.region:
        yield {"name": f"{prefix}AWS_REGION", "value": backup.region}
    if backup.ca_config_map:
        yield {"name": f"{prefix}WALG_S3_CA_CERT_FILE", "value": f"{_CA_FOLDER}/{_CA_KEY}"}
    if backup.credentials_secret:
        for key in _CREDENTIALS:
            source: SecretKey = {"name": backup.credentials_secret, "key": key}
            yield {"name": f"{prefix}{key}", "valueFrom": {"secretKeyRef": source}}
