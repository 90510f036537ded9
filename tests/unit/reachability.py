"""Who may talk to whom, computed from NetworkPolicies as networking.k8s.io/v1 defines them (Kubernetes 1.36).

No library for it is to be had in Python, and no node of the sandbox enforces policies; this evaluates just what the
project's policies use, and refuses what it doesn't know instead of guessing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Labels = Mapping[str, str]
Policy = Mapping[str, Any]


@dataclass(frozen=True)
class Endpoint:
    """A pod, or an address outside the cluster if it has no namespace."""

    name: str
    namespace: str = ""
    labels: Labels = field(default_factory=dict[str, str])
    ports: Mapping[str, int] = field(default_factory=dict[str, int])
    """Its named container ports."""

    @property
    def namespace_labels(self) -> Labels:
        # The API server puts this label on every Namespace.
        return {"kubernetes.io/metadata.name": self.namespace}


@dataclass(frozen=True)
class Port:
    """What a connection asks for: a port of the endpoint that listens."""

    listener: Endpoint
    number: int
    protocol: str


def allows(policies: Iterable[Policy], source: Endpoint, target: Endpoint, port: int, protocol: str = "TCP") -> bool:
    """Tell whether ``source`` may open a connection to ``port`` of ``target``."""
    policies, asked = list(policies), Port(target, port, protocol)
    return _one_way(policies, "Egress", source, target, asked) and _one_way(policies, "Ingress", target, source, asked)


def _one_way(policies: list[Policy], direction: str, subject: Endpoint, peer: Endpoint, port: Port) -> bool:
    """A pod that no policy of this direction selects is open; else one rule of one of them must match."""
    binding = [policy for policy in policies if _binds(policy, direction, subject)]
    if not binding:
        return True
    rules = [(policy, rule) for policy in binding for rule in policy["spec"].get(direction.lower()) or []]
    peers = "from" if direction == "Ingress" else "to"
    return any(
        _peer_matches(rule.get(peers), peer, policy["metadata"]["namespace"]) and _port_matches(rule.get("ports"), port)
        for policy, rule in rules
    )


def _binds(policy: Policy, direction: str, subject: Endpoint) -> bool:
    spec = policy["spec"]
    return (
        policy["metadata"]["namespace"] == subject.namespace
        and direction in spec["policyTypes"]
        and _selects(spec.get("podSelector", {}), subject.labels)
    )


def _selects(selector: Mapping[str, Any], labels: Labels) -> bool:
    unknown = set(selector) - {"matchLabels", "matchExpressions"}
    assert not unknown, f"unknown in a selector: {unknown}"
    exact = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    return exact and all(_expression(each, labels) for each in selector.get("matchExpressions", []))


def _expression(expression: Mapping[str, Any], labels: Labels) -> bool:
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case other:
            raise AssertionError(f"unknown operator: {other}")


def _peer_matches(peers: list[Mapping[str, Any]] | None, peer: Endpoint, home: str) -> bool:
    return not peers or any(_is_peer(each, peer, home) for each in peers)


def _is_peer(rule: Mapping[str, Any], peer: Endpoint, home: str) -> bool:
    unknown = set(rule) - {"podSelector", "namespaceSelector", "ipBlock"}
    assert not unknown, f"unknown in a peer: {unknown}"
    if "ipBlock" in rule:
        # Whether a block takes in pods is the network's business; the stack's mean what lies outside.
        assert rule["ipBlock"]["cidr"] == "0.0.0.0/0", rule
        return not peer.namespace
    if not peer.namespace:
        return False
    near = (
        _selects(rule["namespaceSelector"], peer.namespace_labels)
        if "namespaceSelector" in rule
        else (peer.namespace == home)
    )
    return near and _selects(rule.get("podSelector", {}), peer.labels)


def _port_matches(ports: list[Mapping[str, Any]] | None, asked: Port) -> bool:
    return not ports or any(_is_port(each, asked) for each in ports)


def _is_port(rule: Mapping[str, Any], asked: Port) -> bool:
    if rule.get("protocol", "TCP") != asked.protocol:
        return False
    wanted = rule.get("port")
    if isinstance(wanted, str):
        return asked.listener.ports.get(wanted) == asked.number
    return wanted is None or wanted <= asked.number <= rule.get("endPort", wanted)
