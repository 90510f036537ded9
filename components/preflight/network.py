"""What must not happen to the network: a pool that changes under running pods."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from components.calico import IPPoolSettings
from components.preflight.live import LiveCluster, listed

if TYPE_CHECKING:
    from components.settings import Settings

INSTALLATION = "/apis/operator.tigera.io/v1/installations/default"
# Fields of a pool that the operator can't change on a running network (Calico 3.32, "Change IP pool block size").
_IMMUTABLE = {"cidr": "cidr", "blockSize": "block_size"}
_WAY = (
    "Migrate instead: add a second pool with another name, drain node after node so that pods take new addresses, then "
    "remove the old pool (docs/guide/calico.md)"
)


def changed_pools(settings: "Settings", live: LiveCluster) -> Iterator[str]:
    """Yield the pools that would change under running pods, which Calico can't do."""
    installation = live.get(INSTALLATION) if settings.calico.enabled else None
    pools = listed(installation or {}, "spec", "calicoNetwork", "ipPools")
    before = {pool["name"]: pool for pool in pools if "name" in pool}
    declared = settings.calico.ip_pools
    gone = {name: pool for name, pool in before.items() if name not in {pool.name for pool in declared}}
    for number, pool in enumerate(declared):
        key = f"platform:calico.ipPools[{number}]"
        if pool.name in before:
            yield from _changes(key, pool, before[pool.name])
        else:
            yield from _renamed(key, pool, gone)


def _changes(key: str, pool: IPPoolSettings, old: Mapping[str, Any]) -> Iterator[str]:
    for field, name in _IMMUTABLE.items():
        value = getattr(pool, name)
        if field in old and old[field] != value:
            yield f"{key}.{field} (pool '{pool.name}') {old[field]} -> {value}: running pods hold its addresses. {_WAY}"


def _renamed(key: str, pool: IPPoolSettings, gone: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, old in gone.items():
        if ip_network(old["cidr"]).overlaps(ip_network(pool.cidr)):
            yield (
                f"{key}.name {name} -> {pool.name}: the new pool would take addresses of the old one, {old['cidr']}, "
                f"which running pods hold. Keep the name. {_WAY}"
            )
