"""How clients and peers find Redis: its Services, and who may connect."""

from typing import Any

import pulumi
from pulumi_kubernetes.core.v1 import Service
from pulumi_kubernetes.networking.v1 import NetworkPolicy

from components.base import Component
from components.redis.names import (
    BACKUP_LABELS,
    CLIENT_LABEL,
    CONTROLLER_LABELS,
    METRICS_PORT,
    NAME,
    PORT,
    ROLE_LABEL,
    SELECTOR,
    SENTINEL_PORT,
)

REDIS: dict[str, Any] = {"name": "redis", "port": PORT, "target_port": "redis"}
SENTINEL: dict[str, Any] = {"name": "sentinel", "port": SENTINEL_PORT, "target_port": "sentinel"}
METRICS: dict[str, Any] = {"name": "metrics", "port": METRICS_PORT, "target_port": "metrics"}


def declare_headless(
    component: Component, namespace: str, *, sentinel: bool, metrics: bool, depends_on: list[pulumi.Resource]
) -> Service:
    """Declare the Service that gives each pod its name."""
    ports: list[Any] = [REDIS, *([SENTINEL] if sentinel else []), *([METRICS] if metrics else [])]
    return Service(
        "headless",
        metadata=component.metadata(NAME, namespace, component="server", labels=SELECTOR),
        spec={
            "cluster_ip": "None",
            # Peers must find each other before they are ready.
            "publish_not_ready_addresses": True,
            "selector": SELECTOR,
            "ports": ports,
        },
        opts=component.child(depends_on=depends_on),
    )


def declare_role_services(component: Component, namespace: str, *, depends_on: list[pulumi.Resource]) -> None:
    """Declare the Services that follow the roles, and Sentinel's."""

    def service(name: str, selector: dict[str, str], port: Any, *, ready_only: bool) -> None:  # noqa: ANN401 - nested
        spec: Any = {
            "selector": {**SELECTOR, **selector},
            "ports": [port],
            # Left out rather than false, which the API server doesn't keep.
            **({} if ready_only else {"publish_not_ready_addresses": True}),
        }
        Service(
            name,
            metadata=component.metadata(
                f"redis-{name}",
                namespace,
                component="server",
                # Pods get their labels by the controller, after an election: no part of an update.
                annotations={"pulumi.com/skipAwait": "true"},
            ),
            spec=spec,
            opts=component.child(depends_on=depends_on),
        )

    # The controller has asked the primary itself; a probe that fails, or a Sentinel that restarts in its pod,
    # is no reason to have none.
    service("primary", {ROLE_LABEL: "primary"}, REDIS, ready_only=False)
    service("replicas", {ROLE_LABEL: "replica"}, REDIS, ready_only=True)
    service("sentinel", {}, SENTINEL, ready_only=True)


def declare_network_policy(component: Component, namespace: str, *, depends_on: list[pulumi.Resource]) -> None:
    """Let clients in by their label only; servers and Sentinels reach each other and DNS."""
    anywhere: dict[str, Any] = {"namespace_selector": {}}
    servers: list[Any] = [{"port": PORT}, {"port": SENTINEL_PORT}]
    peers: list[Any] = [{"pod_selector": {"match_labels": SELECTOR}}]
    ingress: list[Any] = [
        {
            "from_": [
                *peers,
                {"pod_selector": {"match_labels": CONTROLLER_LABELS}},
                {"pod_selector": {"match_labels": BACKUP_LABELS}},
                {**anywhere, "pod_selector": {"match_labels": CLIENT_LABEL}},
            ],
            "ports": servers,
        },
        # Metrics name no data and no passwords.
        {"from_": [anywhere], "ports": [{"port": METRICS_PORT}]},
    ]
    egress: list[Any] = [
        {"to": peers, "ports": servers},
        {"ports": [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]},
    ]
    NetworkPolicy(
        "servers",
        metadata=component.metadata(NAME, namespace, component="server"),
        spec={
            "pod_selector": {"match_labels": SELECTOR},
            "policy_types": ["Ingress", "Egress"],
            "ingress": ingress,
            "egress": egress,
        },
        opts=component.child(depends_on=depends_on),
    )
