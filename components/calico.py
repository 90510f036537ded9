"""Calico: the cluster's network, installed by the Tigera operator from one ``Installation``."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from itertools import combinations
from typing import Any, Literal, TypedDict

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pydantic import Field

from components.base import Component
from components.fields import Cidr, DnsLabel, Model
from components.operators import ChartSettings, OperatorSettings, operator_chart
from components.problems import Problem
from components.versions import CALICO_CRDS, TIGERA_OPERATOR

# `maxItems` of spec.calicoNetwork.ipPools in the CRD of operator.tigera.io/v1.
MOST_POOLS = 25
# Fields of a pool that the operator can't change on a running network (Calico 3.32, "Change IP pool block size").
_IMMUTABLE = ("cidr", "blockSize")

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
    api_server: bool = False
    """Declare Calico's API server too, which serves projectcalico.org/v3 to kubectl. Needs running Calico pods."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields."""
        if not 1 <= len(self.ip_pools) <= MOST_POOLS:
            yield Problem("ipPools", list(self.ip_pools), f"a list of 1 to {MOST_POOLS} pools")
        for number, pool in enumerate(self.ip_pools):
            yield from (problem.within(f"ipPools[{number}]") for problem in pool.problems())
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


class InstallationSpec(TypedDict):
    """``spec`` of ``Installation``."""

    variant: Literal["Calico"]
    calicoNetwork: CalicoNetwork


def installation(settings: CalicoSettings) -> InstallationSpec:
    """Return the spec of ``Installation``.

    Every field of a pool is declared: the operator writes the ones left out and then owns the whole list,
    which makes the next server-side apply a conflict.
    """
    return {
        "variant": "Calico",
        "calicoNetwork": {"ipPools": [_ip_pool(pool) for pool in settings.ip_pools]},
    }


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


def refuse_immutable_change(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Raise ValueError when a pool that stays would change a field that can't change under running pods."""
    before = {pool["name"]: pool for pool in _pools(old)}
    changes = [
        f"pool '{pool['name']}': {field} {_shown(before[pool['name']][field])} -> {_shown(pool[field])}"
        for pool in _pools(new)
        for field in _IMMUTABLE
        if pool["name"] in before and before[pool["name"]].get(field) != pool[field]
    ]
    if changes:
        raise ValueError(
            f"Calico can't change a pool under running pods ({'; '.join(changes)}). "
            "Migrate instead: add a second pool with another name, drain node after node so that pods take new "
            "addresses, then remove the old pool (docs/guide/calico.md)."
        )


def _shown(value: float | str) -> str:
    # The engine hands every number over as a float.
    return f"{value:g}" if isinstance(value, float) else str(value)


def _pools(inputs: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return inputs.get("spec", {}).get("calicoNetwork", {}).get("ipPools", [])


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
        guard = pulumi.ResourceHook(
            "calico-immutable-pools",
            lambda change: refuse_immutable_change(change.old_inputs or {}, change.new_inputs or {}),
            pulumi.ResourceHookOptions(on_dry_run=True),
        )
        self.installation = CustomResource(
            "installation",
            api_version="operator.tigera.io/v1",
            kind="Installation",
            # The operator reads no other name. Deleting it takes the network from every pod.
            metadata=self.metadata("default", component="network"),
            spec=installation(settings),
            opts=pulumi.ResourceOptions.merge(
                self.child(depends_on=ready, protect=protect),
                pulumi.ResourceOptions(hooks=pulumi.ResourceHookBinding(before_update=[guard])),
            ),
        )
        if settings.api_server:
            CustomResource(
                "api-server",
                api_version="operator.tigera.io/v1",
                kind="APIServer",
                metadata=self.metadata("default", component="api-server"),
                spec={},
                opts=self.child(depends_on=[self.installation]),
            )
        self.register_outputs({})

    def _operator(self, settings: CalicoSettings, *, protect: bool) -> list[pulumi.Resource]:
        # The operator's pods use the host's network, which only `privileged` admits.
        namespace = self.namespace("tigera-operator", security="privileged", protect=protect)
        crds = operator_chart(
            self,
            CALICO_CRDS,
            settings.crds_chart,
            namespace="tigera-operator",
            values={},
            depends_on=[namespace],
        )
        return [
            operator_chart(
                self,
                TIGERA_OPERATOR,
                settings.chart,
                namespace="tigera-operator",
                # The custom resources are ours to declare: the chart's own would be a second owner.
                values={key: {"enabled": False} for key in ("installation", "apiServer", "goldmane", "whisker")},
                depends_on=[namespace, crds],
            )
        ]
