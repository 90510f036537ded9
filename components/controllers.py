"""Our own controllers: what their Deployments, rights, network rules and CRDs have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pulumi
import yaml
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import ServiceAccount
from pulumi_kubernetes.networking.v1 import NetworkPolicy
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget
from pulumi_kubernetes.rbac.v1 import PolicyRuleArgs, Role, RoleBinding

from components.base import API_SERVER_PORTS, Component
from components.fields import Resources
from components.security import CONTAINER_SECURITY, pod_security
from components.versions import pinned
from controllers.runtime.rules import ELECTION_RULES, Rule

CRDS = Path(__file__).parent.parent / "crds"
HTTP_PORT = 8080
# Any user that is not root; the image has no user database to agree with.
UID = 65532


@dataclass(frozen=True)
class Controller:
    """One process out of the image of all controllers, and where it runs."""

    name: str
    """Name of the Deployment, and label of its pods."""
    account: str
    """ServiceAccount that it runs as."""
    namespace: str
    module: str
    """What Python runs, for instance ``controllers.website``."""
    image: str
    resources: Resources
    environment: Mapping[str, str]
    volumes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Folders that it may write to, with the size limit of each; they live as long as the pod."""
    secrets: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Folders in which it may read one key of a Secret: the Secret's name and the key."""
    replicas: int | None = None
    """How many elect a leader by a Lease in ``namespace``; see `declare_election`. None: one, which elects nobody."""

    @property
    def elects(self) -> bool:
        """Whether it may have several replicas, one of which leads."""
        return self.replicas is not None

    @property
    def labels(self) -> dict[str, str]:
        """The labels that select its pods; they can't be changed later."""
        return {"app": self.name}


def declare_crd(component: Component, file: str, *, protect: bool) -> CustomResource:
    """Declare a CRD of ours as its file in ``crds/`` stands. Deleting a CRD deletes every object of its kind."""
    manifest = cast("dict[str, Any]", yaml.load((CRDS / file).read_text(), Loader=yaml.CSafeLoader))
    # Untyped, so that the file's own keys reach the API server as they stand; the type token is the same.
    return CustomResource(
        "crd",
        api_version=manifest["apiVersion"],
        kind=manifest["kind"],
        metadata=component.metadata(manifest["metadata"]["name"], component="crd"),
        spec=manifest["spec"],
        opts=component.child(protect=protect),
    )


def declare_account(component: Component, controller: Controller, depends_on: list[pulumi.Resource]) -> ServiceAccount:
    """Declare the ServiceAccount of a controller; only the controller's own pods mount its token."""
    return ServiceAccount(
        "controller",
        metadata=component.metadata(controller.account, controller.namespace, component="controller"),
        automount_service_account_token=False,
        opts=component.child(depends_on=depends_on),
    )


def declare_rights(
    component: Component,
    controller: Controller,
    rules: Sequence[Rule],
    namespace: str,
    depends_on: list[pulumi.Resource],
    *,
    resource: str = "controller",
) -> RoleBinding:
    """Give a controller's ServiceAccount ``rules`` in ``namespace``, and nothing elsewhere."""
    role = Role(
        resource,
        metadata=component.metadata(controller.name, namespace, component="controller"),
        rules=[
            PolicyRuleArgs(
                api_groups=[*rule.api_groups],
                resources=[*rule.resources],
                verbs=[*rule.verbs],
                resource_names=[*rule.names] or None,
            )
            for rule in rules
        ],
        opts=component.child(depends_on=depends_on),
    )
    return RoleBinding(
        resource,
        metadata=component.metadata(controller.name, namespace, component="controller"),
        role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": controller.name},
        subjects=[{"kind": "ServiceAccount", "name": controller.account, "namespace": controller.namespace}],
        opts=component.child(depends_on=[role]),
    )


def declare_election(component: Component, controller: Controller, depends_on: list[pulumi.Resource]) -> RoleBinding:
    """Let the replicas of a controller elect a leader by a Lease in their own namespace."""
    return declare_rights(component, controller, ELECTION_RULES, controller.namespace, depends_on, resource="election")


def declare_default_deny(
    component: Component,
    namespace: str,
    depends_on: list[pulumi.Resource],
    *,
    part: str = "controller",
    resource: str = "default-deny",
) -> NetworkPolicy:
    """Let no pod of ``namespace`` reach or be reached by anything, unless another policy says so."""
    return component.network_policy("default-deny", namespace, component=part, resource=resource, depends_on=depends_on)


def declare_network_policy(
    component: Component,
    controller: Controller,
    depends_on: list[pulumi.Resource],
    egress: Sequence[Any] = (),
) -> NetworkPolicy:
    """Let a controller reach the API server, what ``egress`` adds and nothing else, and let its metrics be read."""
    return NetworkPolicy(
        "controller",
        metadata=component.metadata(controller.name, controller.namespace, component="controller"),
        spec={
            "pod_selector": {"match_labels": controller.labels},
            "policy_types": ["Ingress", "Egress"],
            "ingress": [{"ports": [{"port": HTTP_PORT, "protocol": "TCP"}]}],
            "egress": [{"ports": [{"port": port, "protocol": "TCP"} for port in API_SERVER_PORTS]}, *egress],
        },
        opts=component.child(depends_on=depends_on),
    )


def declare_deployment(component: Component, controller: Controller, depends_on: list[pulumi.Resource]) -> Deployment:
    """Declare the Deployment of a controller; its pods pass ``restricted``.

    One that elects nobody is replaced only when it has ended, since two would work at once. Where there is an election,
    one replica is rolled like several: from theirs, the API server refuses to change the strategy to ``Recreate``. Of
    several, a drain takes one at a time.
    """
    if controller.elects:
        PodDisruptionBudget(
            "controller-disruption",
            metadata=component.metadata(controller.name, controller.namespace, component="controller"),
            spec={"max_unavailable": 1, "selector": {"match_labels": controller.labels}},
            opts=component.child(depends_on=depends_on),
        )
    return Deployment(
        "controller",
        metadata=component.metadata(controller.name, controller.namespace, component="controller"),
        spec={
            "replicas": controller.replicas if controller.elects else 1,
            "strategy": {"type": "RollingUpdate" if controller.elects else "Recreate"},
            "selector": {"match_labels": controller.labels},
            "template": {
                "metadata": {"labels": {**component.labels("controller"), **controller.labels}},
                "spec": _pod(controller),
            },
        },
        opts=component.child(depends_on=depends_on),
    )


def _pod(controller: Controller) -> Any:  # noqa: ANN401 - a nested literal
    election = {"LEADER_ELECTION_NAMESPACE": controller.namespace} if controller.replicas else {}
    environment = {"HEALTH_ADDRESS": f"0.0.0.0:{HTTP_PORT}", **election, **controller.environment}
    volumes = [(f"volume-{number}", *volume) for number, volume in enumerate(controller.volumes.items())]
    secrets = [(f"secret-{number}", *secret) for number, secret in enumerate(controller.secrets.items())]
    return {
        "service_account_name": controller.account,
        "automount_service_account_token": True,
        "enable_service_links": False,
        **({"topology_spread_constraints": [_apart(controller)]} if controller.elects else {}),
        "security_context": pod_security(UID),
        "containers": [
            {
                "name": "controller",
                "image": pinned(controller.image),
                "args": [controller.module],
                "env": [{"name": key, "value": value} for key, value in environment.items()],
                "ports": [{"name": "http", "container_port": HTTP_PORT}],
                "resources": controller.resources.container(),
                "security_context": CONTAINER_SECURITY,
                "liveness_probe": _probe("/healthz"),
                "readiness_probe": _probe("/readyz"),
                "volume_mounts": [
                    *({"name": name, "mount_path": path} for name, path, _ in volumes),
                    *({"name": name, "mount_path": path, "read_only": True} for name, path, _ in secrets),
                ],
            }
        ],
        "volumes": [
            *({"name": name, "empty_dir": {"size_limit": limit}} for name, _, limit in volumes),
            *(
                {"name": name, "secret": {"secret_name": secret, "items": [{"key": key, "path": key}]}}
                for name, _, (secret, key) in secrets
            ),
        ],
    }


def _apart(controller: Controller) -> dict[str, Any]:
    """Keep the replicas on different nodes where that can be had; a single node still runs them all."""
    return {
        "max_skew": 1,
        "topology_key": "kubernetes.io/hostname",
        "when_unsatisfiable": "ScheduleAnyway",
        "label_selector": {"match_labels": controller.labels},
    }


def _probe(path: str) -> dict[str, Any]:
    return {"http_get": {"path": path, "port": "http"}, "period_seconds": 10, "timeout_seconds": 5}
