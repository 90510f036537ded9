"""Who the shop's pods may talk to: DNS, and the platform's services that it uses."""

from typing import Any

import pulumi
from platform_exports import Platform
from pulumi_kubernetes.networking.v1 import NetworkPolicy

DNS_PORT = 53
NAMESPACE_LABEL = "kubernetes.io/metadata.name"


def isolate(
    platform: Platform, *, namespace: str, labels: dict[str, str], parent: pulumi.Resource
) -> list[pulumi.Resource]:
    """Let no pod of the namespace reach or be reached by anything but what the shop needs."""
    options = pulumi.ResourceOptions(parent=parent)
    postgres, redis = platform.postgres, platform.redis
    return [
        NetworkPolicy(
            "default-deny",
            metadata={"name": "default-deny", "namespace": namespace},
            spec={"pod_selector": {}, "policy_types": ["Ingress", "Egress"]},
            opts=options,
        ),
        NetworkPolicy(
            "platform",
            metadata={"name": "shop-to-platform", "namespace": namespace},
            spec={
                "pod_selector": {"match_labels": labels},
                "policy_types": ["Egress"],
                "egress": [
                    _to("kube-system", ("UDP", DNS_PORT), ("TCP", DNS_PORT)),
                    _to(postgres.credentials_secret.namespace, ("TCP", postgres.port)),
                    _to(redis.password_secret.namespace, ("TCP", redis.port)),
                ],
            },
            opts=options,
        ),
    ]


def _to(namespace: pulumi.Input[str], *ports: tuple[str, pulumi.Input[int]]) -> Any:  # noqa: ANN401 - a nested literal
    return {
        "to": [{"namespace_selector": {"match_labels": {NAMESPACE_LABEL: namespace}}}],
        "ports": [{"protocol": protocol, "port": port} for protocol, port in ports],
    }
