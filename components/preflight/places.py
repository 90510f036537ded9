"""Whether there is room for the stack: version, nodes, zones and addresses of the cluster."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Network, ip_network
from typing import TYPE_CHECKING, cast

import yaml

from components.preflight.live import Live, LiveCluster, listed, part
from components.versions import OLDEST_KUBERNETES

if TYPE_CHECKING:
    from components.settings import Settings

ZONE = "topology.kubernetes.io/zone"
# Of nodes that are not ready, unreachable, cordoned or short of something (Kubernetes' well-known taints).
PASSING_TAINTS = "node.kubernetes.io/"
# What kubeadm writes down of a cluster; the Tigera operator reads the pod network from the same place.
KUBEADM = "/api/v1/namespaces/kube-system/configmaps/kubeadm-config"
SERVICE_NETWORKS = "/apis/networking.k8s.io/v1/servicecidrs"


def version(settings: "Settings", live: LiveCluster) -> Iterator[str]:  # noqa: ARG001 - the signature of a check
    """Yield that the API server is too old."""
    told = str((live.get("/version") or {}).get("gitVersion", ""))
    numbers = re.match(r"v?(\d+)\.(\d+)", told)
    if numbers is None or (int(numbers[1]), int(numbers[2])) < OLDEST_KUBERNETES:
        oldest = ".".join(map(str, OLDEST_KUBERNETES))
        yield f"the API server is {told or 'of no known version'}, allowed is {oldest} or newer: upgrade the cluster"


def nodes(settings: "Settings", live: LiveCluster) -> Iterator[str]:
    """Yield that fewer nodes or zones can take workloads than the settings say."""
    usable = [node for node in live.items("/api/v1/nodes") if _takes_workloads(node)]
    wanted = settings.cluster
    if len(usable) < wanted.nodes:
        yield (
            f"platform:cluster.nodes = {wanted.nodes}, but {len(usable)} nodes take workloads. "
            "Volumes would lack copies and pods a place: add nodes, or lower the number"
        )
    zones = {zone for node in usable if (zone := part(node, "metadata", "labels").get(ZONE))}
    if wanted.zones > max(len(zones), 1):
        yield (
            f"platform:cluster.zones = {wanted.zones}, but the nodes that take workloads are in "
            f"{len(zones)} ({', '.join(sorted(zones)) or f'none bears the label {ZONE}'}). "
            "Copies that must lie in different zones would lack a place: label the nodes, or lower the number"
        )


def _takes_workloads(node: Live) -> bool:
    """Tell whether the node is meant for workloads; one that is lost or drained for now is.

    Kubernetes taints such nodes by keys of its own. A rollout must be possible in the middle of a drain or a failure.
    """
    taints = (taint for taint in listed(node, "spec", "taints") if not taint["key"].startswith(PASSING_TAINTS))
    return not any(taint["effect"] in {"NoSchedule", "NoExecute"} for taint in taints)


def addresses(settings: "Settings", live: LiveCluster) -> Iterator[str]:
    """Yield the pools that the cluster can't route, by what kubeadm and the API server know of its networks."""
    pods, services = _pod_network(live), _service_networks(live)
    declared = settings.cluster.pod_cidr
    if pods and declared and ip_network(declared) != pods:
        yield f"platform:cluster.podCidr = '{declared}': allowed is {pods}, as the cluster was made (kubeadm-config)"
    if not settings.calico.enabled:
        return
    for number, pool in enumerate(settings.calico.ip_pools):
        key, network = f"platform:calico.ipPools[{number}].cidr = '{pool.cidr}'", IPv4Network(pool.cidr)
        if pods and not network.subnet_of(pods):
            yield (
                f"{key}: allowed is a network inside the cluster's pod network {pods} (ConfigMap kubeadm-config); "
                "the Tigera operator would refuse it"
            )
        for service in services:
            if network.overlaps(service):
                yield f"{key}: allowed is a network outside the cluster's Service network {service}"


def _pod_network(live: LiveCluster) -> IPv4Network | None:
    """Return the IPv4 pod network, None where the cluster doesn't tell: managed ones have no such ConfigMap."""
    written = part(live.get(KUBEADM) or {}, "data").get("ClusterConfiguration")
    configuration = cast("Live", yaml.safe_load(written) if written else {})
    subnets = str(part(configuration, "networking").get("podSubnet") or "").split(",")
    return next((IPv4Network(subnet) for subnet in subnets if "." in subnet), None)


def _service_networks(live: LiveCluster) -> list[IPv4Network]:
    return [IPv4Network(cidr) for item in live.items(SERVICE_NETWORKS) for cidr in item["spec"]["cidrs"] if "." in cidr]
