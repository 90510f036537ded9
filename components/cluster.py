"""The cluster that a stack rolls out to: its providers, and the mark that one stack owns it."""

from collections.abc import Iterator
from ipaddress import ip_network

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_random as random
from pulumi_kubernetes.core.v1 import ConfigMap
from pydantic import Field

from components.base import Component
from components.fields import Cidr, DnsName, Model
from components.preflight.live import LiveCluster, part
from components.problems import Problem

OWNER_NAME = "platform-owner"
OWNER_NAMESPACE = "kube-system"
OWNER_PATH = f"/api/v1/namespaces/{OWNER_NAMESPACE}/configmaps/{OWNER_NAME}"


class ClusterSettings(Model):
    """Which cluster the stack rolls out to, and what of it the other components must know."""

    context: str = Field(min_length=1)
    """Context of the kubeconfig. Named in every environment, so that nothing lands on the wrong cluster."""
    kubeconfig: str | None = None
    """Path of the kubeconfig file; without it, $KUBECONFIG or ~/.kube/config as for kubectl."""
    identifier: str | None = None
    """Fixed identity of the cluster for the provider: while it stays, a changed kubeconfig replaces nothing."""
    nodes: int = Field(default=3, ge=1)
    """Nodes that take workloads. Copies of a volume are never more than this."""
    zones: int = Field(default=1, ge=1)
    """Zones that these nodes are spread over, by their label ``topology.kubernetes.io/zone``."""
    domain: DnsName = "cluster.local"
    """DNS domain of the cluster, the end of every exported host name."""
    pod_cidr: Cidr | None = None
    """Pod network that the cluster was made with; Calico's pools must lie inside it."""
    service_cidr: Cidr = "10.96.0.0/12"
    """Service network; kubeadm's default. Pools must not overlap it."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields."""
        if self.pod_cidr and ip_network(self.pod_cidr).overlaps(ip_network(self.service_cidr)):
            yield Problem("podCidr", self.pod_cidr, f"a network outside serviceCidr {self.service_cidr}")
        if self.zones > self.nodes:
            yield Problem("zones", self.zones, f"at most nodes, {self.nodes}")


class Cluster(Component):
    """The explicit providers of one cluster and the ConfigMap that says which stack owns it.

    Two stacks on one cluster would fight over the same fixed names, so the second one is refused at preview.
    Everything else depends on ``ownership``.
    """

    def __init__(self, name: str, settings: ClusterSettings, *, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare providers and ownership.

        Raises:
            RuntimeError: (from the hook, at preview or update) another stack owns the cluster.

        """
        super().__init__(name, opts)
        self.kubernetes = kubernetes.Provider(
            "kubernetes",
            kubeconfig=settings.kubeconfig,
            context=settings.context,
            cluster_identifier=settings.identifier,
            enable_server_side_apply=True,
            # A declared field is the program's: what a hand or a script changed in it is put back, not argued about.
            enable_patch_force=True,
            enable_config_map_mutable=True,
            enable_secret_mutable=True,
            opts=self.child(),
        )
        self.random = random.Provider("random", opts=self.child())
        stack = stack_name()
        refuse_other_stack = pulumi.ResourceHook(
            "one-stack-a-cluster",
            lambda _: _refuse_other_stack(settings, stack),
            pulumi.ResourceHookOptions(on_dry_run=True),
        )
        self.ownership = ConfigMap(
            "owner",
            metadata=self.metadata(OWNER_NAME, OWNER_NAMESPACE, component="owner"),
            data={"stack": stack},
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=self.kubernetes,
                hooks=pulumi.ResourceHookBinding(before_create=[refuse_other_stack]),
            ),
        )
        self.register_outputs({})


def stack_name() -> str:
    """Return the name by which a stack marks its cluster."""
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"


def owned_by_other(context: str, holder: str | None, stack: str) -> str:
    """Return what a stack is told that finds another one's mark."""
    return (
        f"the cluster of context '{context}' is already owned by the stack '{holder}' "
        f"(ConfigMap {OWNER_NAMESPACE}/{OWNER_NAME}); this is the stack '{stack}'. "
        "Two stacks on one cluster would overwrite each other: give this one another context in platform:cluster. "
        "If the owner's state is lost for good, follow docs/runbooks/lost-state.md."
    )


def _refuse_other_stack(settings: ClusterSettings, stack: str) -> None:
    """Raise RuntimeError when the cluster already carries an owner's mark."""
    held_by = _owner(settings)
    if held_by is not None:
        raise RuntimeError(owned_by_other(settings.context, held_by, stack))


def _owner(settings: ClusterSettings) -> str | None:
    """Return the stack that the cluster's mark names, None where there is no mark."""
    with LiveCluster(settings) as live:
        mark = live.get(OWNER_PATH)
    return None if mark is None else str(part(mark, "data").get("stack", "of no name"))
