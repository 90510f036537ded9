"""Calico's own objects beside the ``Installation``: Felix' configuration and the policy for all namespaces."""

from collections.abc import Iterator
from typing import Literal, NotRequired, TypedDict

from pydantic import Field

from components.base import DNS_PORT
from components.fields import Cidr, DnsLabel, Model
from components.problems import Problem

# What keeps a cluster running. A policy that closes one of these by mistake can't be taken back over the network.
SYSTEM_NAMESPACES = ("kube-system", "tigera-operator", "calico-system", "calico-apiserver", "longhorn-system")


class NodeAddressSettings(Model):
    """How Calico finds each node's address: exactly one way."""

    first_found: bool | None = None
    """The first valid address of the first valid interface: the operator's default."""
    kubernetes: Literal["NodeInternalIP"] | None = None
    """The node's InternalIP."""
    interface: str | None = None
    """Regular expression of interfaces."""
    skip_interface: str | None = None
    """Regular expression of interfaces that are left out."""
    can_reach: str | None = None
    """The address by which this address or name is reached."""
    cidrs: tuple[Cidr, ...] | None = Field(default=None, strict=False)
    """An address inside one of these networks."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields."""
        chosen = self.model_dump(by_alias=True, exclude_none=True)
        if len(chosen) != 1:
            ways = ", ".join(str(field.alias) for field in type(self).model_fields.values())
            yield Problem("", chosen, f"exactly one of {ways}")


class FelixSettings(Model):
    """Calico's agent on each node; what is left out keeps Calico's default."""

    log_severity: Literal["Debug", "Info", "Warning", "Error", "Fatal"] | None = None
    prometheus_metrics: bool | None = None
    """Serve metrics on port 9091 of each node."""
    wireguard: bool | None = None
    """Encrypt what pods of different nodes say to each other. Needs WireGuard in the nodes' kernel."""
    default_endpoint_to_host_action: Literal["Drop", "Accept", "Return"] | None = None
    """What becomes of traffic from a pod to its own node that no policy decides."""
    iptables_backend: Literal["Auto", "Legacy", "NFT"] | None = None


class DefaultDenySettings(Model):
    """Pods of all other namespaces reach DNS alone and are reached by nobody, unless a policy says so."""

    exempt_namespaces: tuple[DnsLabel, ...] = Field(default=SYSTEM_NAMESPACES, strict=False)
    """Namespaces that stay open."""


class NodeAddress(TypedDict):
    """``spec.calicoNetwork.nodeAddressAutodetectionV4`` of ``Installation``."""

    firstFound: NotRequired[bool]
    kubernetes: NotRequired[Literal["NodeInternalIP"]]
    interface: NotRequired[str]
    skipInterface: NotRequired[str]
    canReach: NotRequired[str]
    cidrs: NotRequired[list[str]]


class FelixSpec(TypedDict):
    """``spec`` of crd.projectcalico.org/v1 ``FelixConfiguration``."""

    logSeverityScreen: NotRequired[str]
    prometheusMetricsEnabled: NotRequired[bool]
    wireguardEnabled: NotRequired[bool]
    defaultEndpointToHostAction: NotRequired[str]
    iptablesBackend: NotRequired[str]


class Destination(TypedDict):
    """``destination`` of a rule."""

    namespaceSelector: NotRequired[str]
    selector: NotRequired[str]
    ports: list[int]


class Rule(TypedDict):
    """A rule of ``GlobalNetworkPolicy``."""

    action: Literal["Allow", "Deny", "Log", "Pass"]
    protocol: Literal["TCP", "UDP"]
    destination: Destination


class GlobalNetworkPolicySpec(TypedDict):
    """``spec`` of projectcalico.org/v3 ``GlobalNetworkPolicy``."""

    order: float
    namespaceSelector: str
    types: list[Literal["Ingress", "Egress"]]
    egress: list[Rule]


def node_address(settings: NodeAddressSettings) -> NodeAddress:
    """Return how node addresses are found."""
    found: NodeAddress = {}
    if settings.first_found is not None:
        found["firstFound"] = settings.first_found
    if settings.kubernetes:
        found["kubernetes"] = settings.kubernetes
    if settings.interface:
        found["interface"] = settings.interface
    if settings.skip_interface:
        found["skipInterface"] = settings.skip_interface
    if settings.can_reach:
        found["canReach"] = settings.can_reach
    if settings.cidrs:
        found["cidrs"] = list(settings.cidrs)
    return found


def felix_configuration(settings: FelixSettings) -> FelixSpec:
    """Return the spec of ``FelixConfiguration``, only what is set."""
    spec: FelixSpec = {}
    if settings.log_severity:
        spec["logSeverityScreen"] = settings.log_severity
    if settings.prometheus_metrics is not None:
        spec["prometheusMetricsEnabled"] = settings.prometheus_metrics
    if settings.wireguard is not None:
        spec["wireguardEnabled"] = settings.wireguard
    if settings.default_endpoint_to_host_action:
        spec["defaultEndpointToHostAction"] = settings.default_endpoint_to_host_action
    if settings.iptables_backend:
        spec["iptablesBackend"] = settings.iptables_backend
    return spec


def default_deny(settings: DefaultDenySettings) -> GlobalNetworkPolicySpec:
    """Return the spec of the policy that closes every namespace but the exempt ones."""
    exempt = ", ".join(f"'{name}'" for name in settings.exempt_namespaces)
    dns: Destination = {"ports": [DNS_PORT]}
    return {
        # After Kubernetes' own NetworkPolicies, which Calico evaluates at 1000 (Calico 3.32, "Policy order").
        "order": 2000,
        "namespaceSelector": f"kubernetes.io/metadata.name not in {{ {exempt} }}" if exempt else "all()",
        "types": ["Ingress", "Egress"],
        "egress": [
            {"action": "Allow", "protocol": "UDP", "destination": dns},
            {"action": "Allow", "protocol": "TCP", "destination": dns},
        ],
    }
