"""Copies of the data on a volume of their own, by a CronJob."""

from typing import Any

import pulumi
from pulumi_kubernetes.batch.v1 import CronJob
from pulumi_kubernetes.core.v1 import PersistentVolumeClaim

from components.base import Component
from components.redis.names import BACKUP, BACKUP_LABELS, NAME, TLS_FOLDER, UID
from components.redis.settings import RedisBackupSettings, RedisSettings
from components.security import CONTAINER_SECURITY, pod_security
from components.versions import pinned

FOLDER = "/backup"


def declare_backup(
    component: Component,
    settings: RedisSettings,
    backup: RedisBackupSettings,
    storage_class: pulumi.Input[str],
    *,
    protect: bool,
    depends_on: list[pulumi.Resource],
) -> None:
    """Declare the volume of the copies and the job that makes them."""
    claim = PersistentVolumeClaim(
        "backup",
        # Holds the copies.
        metadata=component.metadata(
            BACKUP,
            settings.namespace,
            component="backup",
            annotations={"pulumi.com/skipAwait": "true"},
        ),
        spec={
            "access_modes": ["ReadWriteOnce"],
            "storage_class_name": storage_class,
            "resources": {"requests": {"storage": backup.size}},
        },
        opts=component.child(depends_on=depends_on, protect=protect),
    )
    CronJob(
        "backup",
        metadata=component.metadata(BACKUP, settings.namespace, component="backup"),
        spec={
            "schedule": backup.schedule,
            "time_zone": "Etc/UTC",
            "concurrency_policy": "Forbid",
            "job_template": {
                "spec": {
                    "backoff_limit": 2,
                    "template": {
                        "metadata": {"labels": {**component.labels("backup"), **BACKUP_LABELS}},
                        "spec": _pod(settings, backup),
                    },
                },
            },
        },
        opts=component.child(depends_on=[claim, *depends_on]),
    )


def _pod(settings: RedisSettings, backup: RedisBackupSettings) -> Any:  # noqa: ANN401 - a nested literal
    environment = {
        "HOST": "redis-replicas",
        "BACKUP_DIR": FOLDER,
        "KEEP": str(backup.keep),
        **({"TLS_DIR": TLS_FOLDER} if settings.tls else {}),
    }
    volumes: list[tuple[str, str, dict[str, Any]]] = [
        ("backup", FOLDER, {"persistent_volume_claim": {"claim_name": BACKUP}}),
        ("config", "/etc/redis-config", {"config_map": {"name": f"{NAME}-config"}}),
        ("secret", "/etc/redis-secret", _keys(NAME, "replication")),
        *([("tls", TLS_FOLDER, _keys(settings.tls.secret, "ca.crt"))] if settings.tls else []),
    ]
    return {
        "automount_service_account_token": False,
        "enable_service_links": False,
        "restart_policy": "Never",
        "security_context": pod_security(UID),
        "containers": [
            {
                "name": "backup",
                "image": pinned(settings.image),
                "command": ["sh", "/etc/redis-config/backup.sh"],
                "env": [{"name": key, "value": value} for key, value in environment.items()],
                "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
                "security_context": CONTAINER_SECURITY,
                "volume_mounts": [{"name": name, "mount_path": path} for name, path, _ in volumes],
            }
        ],
        "volumes": [{"name": name, **source} for name, _, source in volumes],
    }


def _keys(secret: str, key: str) -> dict[str, Any]:
    items = [{"key": key, "path": key}]
    return {"secret": {"secret_name": secret, "default_mode": 0o440, "items": items}}
