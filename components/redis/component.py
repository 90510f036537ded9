"""Redis in the cluster: what all its parts share, and how they depend on each other."""

import hashlib
from pathlib import Path
from typing import Any

import pulumi
from pulumi_kubernetes.apps.v1 import StatefulSet
from pulumi_kubernetes.core.v1 import ConfigMap, PersistentVolumeClaim
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget
from pulumi_kubernetes.scheduling.v1 import PriorityClass

from components.base import Component
from components.redis import controller, services
from components.redis.backup import declare_backup
from components.redis.names import INSTANCES, NAME, PORT, PRIMARY_NAME, PRIORITY_CLASS, SELECTOR, SENTINEL_PORT, host
from components.redis.passwords import declare_passwords
from components.redis.pods import failover_spec, pair_spec
from components.redis.settings import RedisSettings

SCRIPTS = Path(__file__).parent / "scripts"
PAIR_SCRIPTS, FAILOVER_SCRIPTS = SCRIPTS / "pair", SCRIPTS / "failover"
# Sentinel keeps its memory on a volume of its own, so that a full data volume can't stop the failover.
SENTINEL_VOLUME = "128Mi"
# Of the claim templates. They can never change; the data claims that are declared have the size of the settings.
TEMPLATES = {"data": "1Gi", "sentinel": SENTINEL_VOLUME}
# Above the default of 0, below Kubernetes' own classes (2,000,000,000 and more).
PRIORITY = 1_000_000


class Redis(Component):
    """Primary and replicas, with Sentinel or as the plain pair."""

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
        config = self._config(namespace)
        secret = declare_passwords(self, settings.namespace, settings.password_version, depends_on=[namespace])
        headless = services.declare_headless(
            self,
            settings.namespace,
            sentinel=settings.sentinel,
            metrics=settings.sentinel and settings.exporter is not None,
            depends_on=[namespace],
        )
        needed = [config, secret, headless, *self._claims(storage_class, namespace, protect=protect)]
        if settings.sentinel:
            needed += self._failover(domain, namespace, secret, protect=protect)
        self._servers(domain, storage_class, protect=protect, depends_on=needed)
        if settings.backup:
            declare_backup(self, settings, settings.backup, storage_class, protect=protect, depends_on=[config, secret])
        PodDisruptionBudget(
            "disruption",
            metadata=self.metadata(NAME, settings.namespace, component="server"),
            spec={
                "max_unavailable": 1,
                # A pod that doesn't work anyway may go, so that a node can be drained and an update can mend it.
                "unhealthy_pod_eviction_policy": "AlwaysAllow",
                "selector": {"match_labels": SELECTOR},
            },
            opts=self.child(depends_on=[namespace]),
        )
        self.connection = self._connection(domain)
        self.register_outputs({"connection": self.connection})

    def _config(self, namespace: pulumi.Resource) -> ConfigMap:
        return ConfigMap(
            "config",
            metadata=self.metadata(f"{NAME}-config", self._settings.namespace, component="config"),
            data={**self._files(), **self._number()},
            opts=self.child(depends_on=[namespace]),
        )

    def _files(self) -> dict[str, str]:
        folder = FAILOVER_SCRIPTS if self._settings.sentinel else PAIR_SCRIPTS
        return {path.name: path.read_text() for path in sorted(folder.iterdir())}

    def _number(self) -> dict[str, str]:
        """Return how many there are, as a file that is no part of the pods' template: scaling restarts nobody."""
        return {INSTANCES: str(self._settings.instances)} if self._settings.sentinel else {}

    def _claims(
        self, storage_class: pulumi.Input[str], namespace: pulumi.Resource, *, protect: bool
    ) -> list[pulumi.Resource]:
        """Declare each pod's claims under the names by which a StatefulSet finds them.

        So a volume grows by an edit of its claim; the StatefulSet's templates, which can't be edited, stay.
        """
        sizes = {"data": self._settings.volume.size, "sentinel": SENTINEL_VOLUME}
        return [
            PersistentVolumeClaim(
                f"{volume}-{ordinal}",
                # Holds the data.
                metadata=self.metadata(
                    f"{volume}-{NAME}-{ordinal}",
                    self._settings.namespace,
                    component="volume",
                    labels=SELECTOR,
                    # Where a class waits for the first pod, claims are bound only by the StatefulSet's.
                    annotations={"pulumi.com/skipAwait": "true"},
                ),
                spec={
                    "access_modes": ["ReadWriteOnce"],
                    "storage_class_name": storage_class,
                    "resources": {"requests": {"storage": size}},
                },
                opts=self.child(depends_on=[namespace], protect=protect),
            )
            for volume, size in sizes.items()
            for ordinal in range(self._settings.instances)
        ]

    def _failover(
        self, domain: str, namespace: pulumi.Resource, secret: pulumi.Resource, *, protect: bool
    ) -> list[pulumi.Resource]:
        """Declare what only a Redis with Sentinel has, and return what its pods need."""
        settings = self._settings
        priority = PriorityClass(
            "priority",
            metadata=self.metadata(PRIORITY_CLASS, component="server"),
            value=PRIORITY,
            description="Pods that hold data: evicted after those that don't.",
            opts=self.child(),
        )
        state = controller.declare_state(self, settings.namespace, protect=protect, depends_on=[namespace])
        services.declare_role_services(self, settings.namespace, depends_on=[namespace])
        services.declare_network_policy(self, settings.namespace, depends_on=[namespace])
        controller.declare_controller(self, settings, domain, depends_on=[namespace, state, secret])
        return [priority, state]

    def _servers(
        self, domain: str, storage_class: pulumi.Input[str], *, protect: bool, depends_on: list[pulumi.Resource]
    ) -> None:
        settings = self._settings
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
                "volume_claim_templates": [
                    _template(volume, size, storage_class) for volume, size in TEMPLATES.items()
                ],
                "persistent_volume_claim_retention_policy": {
                    "when_deleted": "Retain" if protect else "Delete",
                    "when_scaled": "Retain",
                },
                # From the highest ordinal down the role would move twice where that one has it: our controller restarts
                # the replicas first and the primary last.
                "update_strategy": {"type": "OnDelete" if settings.sentinel else "RollingUpdate"},
                "template": self._pod_template(domain),
            },
            opts=pulumi.ResourceOptions.merge(
                self.child(depends_on=depends_on, protect=protect),
                # The API server refuses OnDelete beside the rollingUpdate that it filled in itself.
                pulumi.ResourceOptions(replace_on_changes=["spec.updateStrategy"], delete_before_replace=True),
            ),
        )

    def _pod_template(self, domain: str) -> Any:  # noqa: ANN401 - a nested literal
        settings = self._settings
        return {
            "metadata": {
                "labels": {**self.labels("server"), **SELECTOR},
                "annotations": {
                    # Pods restart when what they read at start has changed.
                    "platform/config-checksum": hashlib.sha256(repr(self._files()).encode()).hexdigest(),
                    "platform/password-version": str(settings.password_version),
                },
            },
            "spec": failover_spec(settings, domain) if settings.sentinel else pair_spec(settings, domain),
        }

    def _connection(self, domain: str) -> dict[str, Any]:
        settings = self._settings
        hosts = [host(ordinal, settings.namespace, domain) for ordinal in range(settings.instances)]
        suffix = f"{settings.namespace}.svc.{domain}"
        with_sentinel = settings.sentinel
        return {
            "host": f"redis-primary.{suffix}" if with_sentinel else hosts[0],
            "replicaHosts": [f"redis-replicas.{suffix}"] if with_sentinel else hosts[1:],
            "port": PORT,
            "username": "app" if with_sentinel else "default",
            "passwordSecret": {"namespace": settings.namespace, "name": NAME, "key": "password"},
            "sentinel": {"hosts": hosts, "port": SENTINEL_PORT, "masterName": PRIMARY_NAME} if with_sentinel else None,
            "tls": settings.tls is not None,
        }


def _template(volume: str, size: str, storage_class: pulumi.Input[str]) -> Any:  # noqa: ANN401 - a nested literal
    """Return a claim template, which no claim is ever made from: each is there before its pod."""
    return {
        # Given in full: what the API server adds by itself would count as drift in an immutable field.
        "api_version": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": volume},
        "spec": {
            "access_modes": ["ReadWriteOnce"],
            "storage_class_name": storage_class,
            "resources": {"requests": {"storage": size}},
        },
    }
