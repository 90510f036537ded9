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
from components.problems import Problem

OWNER_NAME = "platform-owner"
OWNER_NAMESPACE = "kube-system"
NOT_FOUND = 404


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
        stack = f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"
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


def _refuse_other_stack(settings: ClusterSettings, stack: str) -> None:
    """Raise RuntimeError when the cluster already carries an owner's mark."""
    held_by = _owner(settings)
    if held_by is None:
        return
    raise RuntimeError(
        f"the cluster of context '{settings.context}' is already owned by the stack '{held_by}' "
        f"(ConfigMap {OWNER_NAMESPACE}/{OWNER_NAME}); this is the stack '{stack}'. "
        "Two stacks on one cluster would overwrite each other: give this one another context in platform:cluster. "
        "If the owner's state is lost for good, follow docs/runbooks/lost-state.md."
    )


def _owner(settings: ClusterSettings) -> str | None:
    """Return the stack that the cluster's mark names, None where there is no mark."""
    # A client is needed before the first rollout only; every other run starts a sixth of a second sooner without.
    import lightkube  # noqa: PLC0415
    from lightkube.config.kubeconfig import KubeConfig  # noqa: PLC0415
    from lightkube.core.exceptions import ApiError  # noqa: PLC0415
    from lightkube.resources.core_v1 import ConfigMap as LiveConfigMap  # noqa: PLC0415

    config = KubeConfig.from_file(settings.kubeconfig) if settings.kubeconfig else KubeConfig.from_env()
    with lightkube.Client(config.get(context_name=settings.context)) as client:
        try:
            owner = client.get(LiveConfigMap, OWNER_NAME, namespace=OWNER_NAMESPACE)
        except ApiError as error:
            if error.status.code == NOT_FOUND:
                return None
            raise
    return str(owner.data["stack"]) if owner.data else "of no name"  # pyright: ignore[reportUnknownArgumentType]
