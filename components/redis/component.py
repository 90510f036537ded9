"""Redis in the cluster: Namespace, configuration, password, Service, StatefulSet and disruption budget."""

import hashlib
from pathlib import Path
from typing import Any

import pulumi
from pulumi_kubernetes.apps.v1 import StatefulSet
from pulumi_kubernetes.core.v1 import ConfigMap, Secret, Service
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget
from pulumi_random import RandomPassword

from components.base import Component
from components.fields import quantity_value
from components.redis.settings import RedisSettings

# Other teams reach pods as redis-sfs-0.redis-sfs.<namespace>, and the volumes belong to the StatefulSet's name.
NAME = "redis-sfs"
SELECTOR = {"app": NAME}
PORT = 6379
PASSWORD_LENGTH = 32
# User of the published image.
UID = 999
# A quarter of the memory stays for replication buffers and the copy-on-write pages of a background save.
MAX_MEMORY_SHARE = (3, 4)
# Seconds for the last fsync and for replicas to take the last writes.
TERMINATION_GRACE_SECONDS = 30
SCRIPTS = Path(__file__).parent / "scripts"


class Redis(Component):
    """Primary and replicas; ordinal 0 is the primary."""

    def __init__(
        self,
        name: str,
        settings: RedisSettings,
        *,
        storage_class: pulumi.Input[str],
        domain: str,
        protect: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        self._settings = settings
        namespace = self.namespace(settings.namespace, protect=protect)
        files = {path.name: path.read_text() for path in sorted(SCRIPTS.iterdir())}
        checksum = hashlib.sha256(repr(files).encode()).hexdigest()
        config = ConfigMap(
            "config",
            metadata=self.metadata(f"{NAME}-config", settings.namespace, component="config"),
            data=files,
            opts=self.child(depends_on=[namespace]),
        )
        secret = self._secret(namespace)
        service = self._service(namespace)
        StatefulSet(
            "servers",
            metadata=self.metadata(NAME, settings.namespace, component="server", labels=SELECTOR),
            spec={
                "replicas": settings.instances,
                # The next four can't be changed without a replacement.
                "service_name": NAME,
                "selector": {"match_labels": SELECTOR},
                # In order, ordinal 0 would wait for peers that don't start before it is ready.
                "pod_management_policy": "Parallel",
                "volume_claim_templates": self._claims(storage_class),
                "persistent_volume_claim_retention_policy": {
                    "when_deleted": "Retain" if protect else "Delete",
                    "when_scaled": "Retain",
                },
                "template": self._pod_template(domain, checksum),
            },
            opts=self.child(depends_on=[config, secret, service], protect=protect),
        )
        PodDisruptionBudget(
            "disruption",
            metadata=self.metadata(NAME, settings.namespace, component="server"),
            spec={"max_unavailable": 1, "selector": {"match_labels": SELECTOR}},
            opts=self.child(depends_on=[namespace]),
        )
        hosts = [self._host(ordinal, domain) for ordinal in range(settings.instances)]
        self.connection = {
            "host": hosts[0],
            "replicaHosts": hosts[1:],
            "port": PORT,
            "passwordSecret": {"namespace": settings.namespace, "name": NAME, "key": "password"},
        }
        self.register_outputs({"connection": self.connection})

    def _host(self, ordinal: int, domain: str) -> str:
        return f"{NAME}-{ordinal}.{NAME}.{self._settings.namespace}.svc.{domain}"

    def _secret(self, namespace: pulumi.Resource) -> Secret:
        password = RandomPassword(
            "password",
            length=PASSWORD_LENGTH,
            # Letters and digits: the password stands in configuration files and connection URLs.
            special=False,
            keepers={"version": str(self._settings.password_version)},
            opts=self.child(),
        )
        return Secret(
            "password",
            metadata=self.metadata(NAME, self._settings.namespace, component="password"),
            string_data={"password": password.result},
            opts=self.child(depends_on=[namespace]),
        )

    def _service(self, namespace: pulumi.Resource) -> Service:
        return Service(
            "headless",
            metadata=self.metadata(NAME, self._settings.namespace, component="server", labels=SELECTOR),
            spec={
                "cluster_ip": "None",
                # Peers must find each other before they are ready.
                "publish_not_ready_addresses": True,
                "selector": SELECTOR,
                "ports": [{"name": "redis", "port": PORT, "target_port": "redis"}],
            },
            opts=self.child(depends_on=[namespace]),
        )

    def _claims(self, storage_class: pulumi.Input[str]) -> list[Any]:
        volume = self._settings.volume
        # Failover keeps its memory on a volume of its own, so that a full data volume can't stop it.
        sizes = {"data": volume.size, "sentinel": "128Mi"}
        return [
            {
                # Given in full: what the API server adds by itself would count as drift in an immutable field.
                "api_version": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": name},
                "spec": {
                    "access_modes": ["ReadWriteOnce"],
                    "storage_class_name": storage_class,
                    "resources": {"requests": {"storage": size}},
                },
            }
            for name, size in sizes.items()
        ]

    def _pod_template(self, domain: str, checksum: str) -> Any:  # noqa: ANN401 - a nested literal
        settings = self._settings
        share, whole = MAX_MEMORY_SHARE
        return {
            "metadata": {
                "labels": {**self.labels("server"), **SELECTOR},
                "annotations": {
                    # Pods restart when what they read at start has changed.
                    "platform/config-checksum": checksum,
                    "platform/password-version": str(settings.password_version),
                },
            },
            "spec": {
                "automount_service_account_token": False,
                "enable_service_links": False,
                "termination_grace_period_seconds": TERMINATION_GRACE_SECONDS,
                "security_context": {
                    "run_as_non_root": True,
                    "run_as_user": UID,
                    "run_as_group": UID,
                    "fs_group": UID,
                    "seccomp_profile": {"type": "RuntimeDefault"},
                },
                "topology_spread_constraints": [
                    _spread("topology.kubernetes.io/zone", "ScheduleAnyway"),
                    _spread("kubernetes.io/hostname", "DoNotSchedule"),
                ],
                "containers": [
                    {
                        "name": "redis",
                        "image": settings.image,
                        "command": ["sh", "/etc/redis-config/start.sh"],
                        "env": [
                            {
                                "name": "POD_NAME",
                                "value_from": {"field_ref": {"field_path": "metadata.name"}},
                            },
                            {"name": "PRIMARY_HOST", "value": self._host(0, domain)},
                            {
                                "name": "MAX_MEMORY",
                                "value": str(int(quantity_value(settings.resources.memory) * share / whole)),
                            },
                        ],
                        "ports": [{"name": "redis", "container_port": PORT}],
                        "resources": settings.resources.container(),
                        "security_context": {
                            "allow_privilege_escalation": False,
                            "read_only_root_filesystem": True,
                            "capabilities": {"drop": ["ALL"]},
                        },
                        # Up to five minutes to load the append-only file before the liveness probe counts.
                        "startup_probe": _probe("alive.sh", period=5, failures=60),
                        "liveness_probe": _probe("alive.sh", period=10, failures=6),
                        "readiness_probe": _probe("ready.sh", period=5, failures=2),
                        "volume_mounts": [
                            {"name": "data", "mount_path": "/data"},
                            {"name": "config", "mount_path": "/etc/redis-config", "read_only": True},
                            {"name": "secret", "mount_path": "/etc/redis-secret", "read_only": True},
                            {"name": "run", "mount_path": "/run/redis"},
                        ],
                    }
                ],
                "volumes": [
                    {"name": "config", "config_map": {"name": f"{NAME}-config"}},
                    {"name": "secret", "secret": {"secret_name": NAME, "default_mode": 0o440}},
                    # Holds the password in a configuration file, so it stays in memory.
                    {"name": "run", "empty_dir": {"medium": "Memory", "size_limit": "1Mi"}},
                ],
            },
        }


def _probe(script: str, *, period: int, failures: int) -> dict[str, Any]:
    return {
        "exec_": {"command": ["sh", f"/etc/redis-config/{script}"]},
        "period_seconds": period,
        "timeout_seconds": 5,
        "failure_threshold": failures,
    }


def _spread(key: str, otherwise: str) -> dict[str, Any]:
    return {
        "max_skew": 1,
        "topology_key": key,
        "when_unsatisfiable": otherwise,
        # A lost node is no place to wait for.
        "node_taints_policy": "Honor",
        "label_selector": {"match_labels": SELECTOR},
    }
