"""Calico: the cluster's network, installed by the Tigera operator from one ``Installation``."""

from collections.abc import Iterator
from ipaddress import ip_network
from itertools import combinations
from typing import Literal, NotRequired, TypedDict

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pydantic import Field

from components.base import Component
from components.calico_objects import (
    DefaultDenySettings,
    FelixSettings,
    NodeAddress,
    NodeAddressSettings,
    default_deny,
    felix_configuration,
    node_address,
)
from components.fields import Cidr, DnsLabel, Model
from components.operators import ChartSettings, OperatorSettings, operator_chart
from components.problems import Problem
from components.versions import CALICO_CRDS, TIGERA_OPERATOR

# `maxItems` of spec.calicoNetwork.ipPools in the CRD of operator.tigera.io/v1.
MOST_POOLS = 25
# Condition Ready of an Installation is what its TigeraStatus `calico` calls Available.
_AWAIT_READY = {"pulumi.com/waitFor": "condition=Ready"}
# The operator takes its parts down in an order of its own. By Pulumi's default (foreground) the API server would delete
# all of them at once, the namespace first, in which the operator then can't finish: both would wait for ever.
_DELETE_AFTER_OPERATOR = {"pulumi.com/deletionPropagationPolicy": "background"}

Encapsulation = Literal["IPIP", "IPIPCrossSubnet", "VXLAN", "VXLANCrossSubnet", "None"]


class IPPoolSettings(Model):
    """One range of pod addresses."""

    name: DnsLabel = "default-ipv4-ippool"
    cidr: Cidr = "172.31.0.0/16"
    """Addresses of the pool; inside the cluster's pod network. Can't be changed later."""
    block_size: int = Field(default=26, ge=20, le=32)
    """Prefix length of the blocks that nodes take; 26 gives 64 addresses a block. Can't be changed later."""
    encapsulation: Encapsulation = "IPIP"
    nat_outgoing: bool = True
    """Masquerade traffic to addresses outside all pools."""
    disable_new_allocations: bool = False
    """Pods that start take no address of this pool any more: the first step of moving away from it."""
    node_selector: str = "all()"
    """Calico selector of the nodes that take addresses from the pool."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields."""
        if ip_network(self.cidr).prefixlen > self.block_size:
            yield Problem("blockSize", self.block_size, f"the prefix length of cidr {self.cidr} or more")


class CalicoSettings(OperatorSettings):
    """The cluster's network."""

    enabled: bool = True
    """Off where the cluster brings its own network."""
    ip_pools: tuple[IPPoolSettings, ...] = Field(default=(IPPoolSettings(),), strict=False)
    crds_chart: ChartSettings = Field(default_factory=ChartSettings)
    """Source of the chart that holds Calico's CRDs, with ``operator: chart``."""
    await_ready: bool = True
    """Wait until the operator calls the network Ready before anything follows; off where no operator runs."""
    mtu: int | None = Field(default=None, ge=576, le=65535)
    """Bytes of a packet between pods, by default what Calico finds out. 576 is the least that IPv4 allows (RFC 791)."""
    node_address: NodeAddressSettings | None = None
    """How Calico finds each node's address; by default the operator's choice, the first that it finds."""
    felix: FelixSettings = Field(default_factory=FelixSettings)
    """Calico's agent on each node."""
    default_deny: DefaultDenySettings | None = None
    """Close all namespaces but the system's; by default pods without a policy are open, as Kubernetes has it."""
    api_server: bool = False
    """Declare Calico's API server too, which serves projectcalico.org/v3 to kubectl. Needs running Calico pods."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields."""
        if not 1 <= len(self.ip_pools) <= MOST_POOLS:
            yield Problem("ipPools", list(self.ip_pools), f"a list of 1 to {MOST_POOLS} pools")
        for number, pool in enumerate(self.ip_pools):
            yield from (problem.within(f"ipPools[{number}]") for problem in pool.problems())
        if self.node_address:
            yield from (problem.within("nodeAddress") for problem in self.node_address.problems())
        if self.default_deny and not self.api_server:
            yield Problem("apiServer", False, "true with defaultDeny, whose kind it serves")  # noqa: FBT003
        for (_, first), (number, second) in combinations(enumerate(self.ip_pools), 2):
            if ip_network(first.cidr).overlaps(ip_network(second.cidr)):
                allowed = f"a network that doesn't overlap pool '{first.name}', {first.cidr}"
                yield Problem(f"ipPools[{number}].cidr", second.cidr, allowed)
            if first.name == second.name:
                yield Problem(f"ipPools[{number}].name", second.name, "a name that no other pool has")


class IPPool(TypedDict):
    """``spec.calicoNetwork.ipPools[]`` of operator.tigera.io/v1 ``Installation``."""

    name: str
    cidr: str
    blockSize: int
    encapsulation: Encapsulation
    natOutgoing: Literal["Enabled", "Disabled"]
    nodeSelector: str
    disableBGPExport: bool
    disableNewAllocations: bool
    allowedUses: list[Literal["Workload", "Tunnel"]]


class CalicoNetwork(TypedDict):
    """``spec.calicoNetwork`` of ``Installation``."""

    ipPools: list[IPPool]
    mtu: NotRequired[int]
    nodeAddressAutodetectionV4: NotRequired[NodeAddress]


class InstallationSpec(TypedDict):
    """``spec`` of ``Installation``."""

    variant: Literal["Calico"]
    calicoNetwork: CalicoNetwork


def installation(settings: CalicoSettings) -> InstallationSpec:
    """Return the spec of ``Installation``.

    Every field of a pool is declared: the operator writes the ones left out and then owns the whole list,
    which makes the next server-side apply a conflict.
    """
    network: CalicoNetwork = {"ipPools": [_ip_pool(pool) for pool in settings.ip_pools]}
    if settings.mtu:
        network["mtu"] = settings.mtu
    if settings.node_address:
        network["nodeAddressAutodetectionV4"] = node_address(settings.node_address)
    return {"variant": "Calico", "calicoNetwork": network}


def _ip_pool(pool: IPPoolSettings) -> IPPool:
    return {
        "name": pool.name,
        "cidr": pool.cidr,
        "blockSize": pool.block_size,
        "encapsulation": pool.encapsulation,
        "natOutgoing": "Enabled" if pool.nat_outgoing else "Disabled",
        "nodeSelector": pool.node_selector,
        "disableBGPExport": False,
        "disableNewAllocations": pool.disable_new_allocations,
        "allowedUses": ["Workload", "Tunnel"],
    }


class Switch(TypedDict):
    """Whether a chart declares one of its parts."""

    enabled: bool


class TigeraOperatorValues(TypedDict):
    """Values of the chart ``tigera-operator`` that differ from its defaults."""

    installation: Switch
    apiServer: Switch
    goldmane: Switch
    whisker: Switch
    manageCRDs: bool


def operator_values() -> TigeraOperatorValues:
    """Return the chart's values: the custom resources are ours to declare, the chart's own would be a second owner.

    What a cluster without a network needs, the host's network and tolerations of all taints, is the chart's default.
    """
    off: Switch = {"enabled": False}
    return {
        "installation": off,
        "apiServer": off,
        "goldmane": off,
        "whisker": off,
        # They come by a chart of their own; the operator would be a second owner.
        "manageCRDs": False,
    }


class Calico(Component):
    """``Installation`` ``default``, its optional ``APIServer``, and with ``operator: chart`` the Tigera operator."""

    def __init__(
        self,
        name: str,
        settings: CalicoSettings,
        *,
        protect: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        ready = self._operator(settings, protect=protect) if settings.operator == "chart" else []
        felix = self._felix(settings.felix, ready)
        self.installation = CustomResource(
            "installation",
            api_version="operator.tigera.io/v1",
            kind="Installation",
            # The operator reads no other name. Deleting it takes the network from every pod.
            metadata=self.metadata(
                "default",
                component="network",
                annotations={**_DELETE_AFTER_OPERATOR, **(_AWAIT_READY if settings.await_ready else {})},
            ),
            spec=installation(settings),
            opts=self.child(depends_on=[*ready, *felix], protect=protect),
        )
        if settings.api_server:
            api_server = CustomResource(
                "api-server",
                api_version="operator.tigera.io/v1",
                kind="APIServer",
                metadata=self.metadata("default", component="api-server"),
                spec={},
                opts=self.child(depends_on=[self.installation]),
            )
            if settings.default_deny:
                CustomResource(
                    "default-deny",
                    api_version="projectcalico.org/v3",
                    kind="GlobalNetworkPolicy",
                    metadata=self.metadata("platform-default-deny", component="default-deny"),
                    spec=default_deny(settings.default_deny),
                    opts=self.child(depends_on=[api_server]),
                )
        self.register_outputs({})

    def _felix(self, settings: FelixSettings, ready: list[pulumi.Resource]) -> list[pulumi.Resource]:
        """Declare Felix' configuration before the operator first works on it: it then adds its fields to ours."""
        spec = felix_configuration(settings)
        if not spec:
            return []
        return [
            CustomResource(
                "felix",
                api_version="crd.projectcalico.org/v1",
                kind="FelixConfiguration",
                # The one for all nodes. Felix makes it by itself where it isn't there.
                metadata=self.metadata("default", component="felix"),
                spec=spec,
                opts=self.child(depends_on=ready),
            )
        ]

    def _operator(self, settings: CalicoSettings, *, protect: bool) -> list[pulumi.Resource]:
        # The operator's pods use the host's network, which only `privileged` admits.
        namespace = self.namespace("tigera-operator", security="privileged", protect=protect)
        crds = operator_chart(
            self,
            CALICO_CRDS,
            settings.crds_chart,
            namespace="tigera-operator",
            values={},
            protect=protect,
            depends_on=[namespace],
        )
        return [
            operator_chart(
                self,
                TIGERA_OPERATOR,
                settings.chart,
                namespace="tigera-operator",
                values=operator_values(),
                protect=protect,
                depends_on=[namespace, crds],
            )
        ]
