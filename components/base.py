"""What all components share: type token, labels, metadata and namespaces."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import pulumi
from pulumi_kubernetes.core.v1 import Namespace
from pulumi_kubernetes.meta.v1 import LabelSelectorArgsDict, ObjectMetaArgs
from pulumi_kubernetes.networking.v1 import (
    NetworkPolicy,
    NetworkPolicyEgressRuleArgsDict,
    NetworkPolicyIngressRuleArgsDict,
    NetworkPolicyPeerArgsDict,
    NetworkPolicyPortArgsDict,
    NetworkPolicySpecArgsDict,
)

if TYPE_CHECKING:
    # Loaded only where a chart is declared.
    from pulumi_kubernetes.helm.v4 import Chart

PART_OF = "platform"
# Where API servers answer behind the Service `kubernetes`: kubeadm's default, and what managed clusters use.
# Network rules see the port behind the Service, not that of the Service.
API_SERVER_PORTS = (6443, 443)
DNS_PORT = 53
CLIENT_LABEL = "platform/{}-client"
"""Label that a pod of any namespace bears, with value ``true``, to be let through to a service of the stack."""
SecurityLevel = Literal["privileged", "baseline", "restricted"]


class Component(pulumi.ComponentResource):
    """One part of the stack, with type token ``platform:<module>:<Class>``.

    The token is frozen: it is part of every child's URN, and a changed URN replaces what it names.
    """

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        module = type(self).__module__.removeprefix("components.").split(".")[0]
        super().__init__(f"{PART_OF}:{module}:{type(self).__name__}", name, None, opts)
        self._instance = name
        self.charts: list[Chart] = []
        """Third parties' charts that the component has declared."""

    def child(
        self, *, depends_on: list[pulumi.Resource] | None = None, protect: bool = False
    ) -> pulumi.ResourceOptions:
        """Return the options of a resource that belongs to this component."""
        return pulumi.ResourceOptions(parent=self, depends_on=depends_on or [], protect=protect)

    def labels(self, component: str) -> dict[str, str]:
        """Return the labels of Kubernetes' recommended set for one part of this component."""
        return {
            "app.kubernetes.io/name": self._instance,
            "app.kubernetes.io/instance": self._instance,
            "app.kubernetes.io/component": component,
            "app.kubernetes.io/part-of": PART_OF,
            "app.kubernetes.io/managed-by": "pulumi",
        }

    def metadata(
        self,
        name: str,
        namespace: pulumi.Input[str] | None = None,
        *,
        component: str,
        labels: Mapping[str, str] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> ObjectMetaArgs:
        """Return the metadata of an object: its fixed physical name, the common labels and ``labels``."""
        return ObjectMetaArgs(
            name=name,
            namespace=namespace,
            labels={**self.labels(component), **(labels or {})},
            annotations=annotations,
        )

    def namespace(
        self,
        name: str,
        *,
        security: SecurityLevel = "restricted",
        protect: bool,
    ) -> Namespace:
        """Declare a Namespace that enforces one Pod Security Standard.

        Deleting a Namespace deletes the volume claims in it: ``protect`` is on wherever data is worth keeping.
        """
        levels = {f"pod-security.kubernetes.io/{mode}": security for mode in ("enforce", "audit", "warn")}
        return Namespace(
            name,
            metadata=self.metadata(name, component="namespace", labels=levels),
            opts=self.child(protect=protect),
        )

    def network_policy(
        self,
        name: str,
        namespace: str,
        *,
        pods: LabelSelectorArgsDict | None = None,
        ingress: Sequence[NetworkPolicyIngressRuleArgsDict] = (),
        egress: Sequence[NetworkPolicyEgressRuleArgsDict] = (),
        component: str,
        resource: str | None = None,
        depends_on: list[pulumi.Resource],
    ) -> NetworkPolicy:
        """Declare who may reach the pods of a namespace and whom they may; nobody else, and by default nobody at all.

        ``pods`` selects some of them. The pods of a policy of their own get what that one allows beside this.
        """
        spec: NetworkPolicySpecArgsDict = {"pod_selector": pods or {}, "policy_types": ["Ingress", "Egress"]}
        if ingress:
            spec["ingress"] = [*ingress]
        if egress:
            spec["egress"] = [*egress]
        return NetworkPolicy(
            resource or name,
            metadata=self.metadata(name, namespace, component=component),
            spec=spec,
            opts=self.child(depends_on=depends_on),
        )


def from_clients(service: str) -> NetworkPolicyPeerArgsDict:
    """Return the peer "pods of any namespace that bear the client label of ``service``"."""
    return {
        "namespace_selector": {},
        "pod_selector": {"match_labels": {CLIENT_LABEL.format(service): "true"}},
    }


def in_namespace(name: str) -> NetworkPolicyPeerArgsDict:
    """Return the peer "all pods of this namespace"."""
    return {"namespace_selector": {"match_labels": {"kubernetes.io/metadata.name": name}}}


def to_dns() -> NetworkPolicyEgressRuleArgsDict:
    """Return the rule "DNS, wherever it is": a node's own cache answers on an address of the node."""
    return {"ports": [{"protocol": "UDP", "port": DNS_PORT}, {"protocol": "TCP", "port": DNS_PORT}]}


def to_api_server() -> NetworkPolicyEgressRuleArgsDict:
    """Return the rule "the API server": a policy can't name it otherwise than by its ports."""
    return {"ports": tcp(*API_SERVER_PORTS)}


def tcp(*ports: int) -> list[NetworkPolicyPortArgsDict]:
    """Return TCP ports as a rule lists them."""
    return [{"protocol": "TCP", "port": port} for port in ports]
