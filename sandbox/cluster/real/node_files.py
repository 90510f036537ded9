"""Writes what a node's programs are configured with: containerd, its CNI plugins, kubelet and kube-proxy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sandbox.cluster.real import layout, pki
from sandbox.cluster.real.namespaces import SPECIFICATION, UNSHARE, init_command
from sandbox.cluster.real.requirements import cni_plugins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.cluster.real.layout import Node

_CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
# Fixed paths of containerd, kubelet and the CNI plugins lie in these; the machine's own must stay as they are.
_HIDDEN = ["/run", "/var/lib", "/var/log"]
# What kubelet would set for the whole machine (pkg/kubelet/cm/container_manager_linux.go of 1.36): it gets files of
# the node's own to write to.
_TUNABLES = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)


def after(file: str | Path, command: Sequence[str]) -> list[str]:
    """Return a command that waits until `file` exists and then becomes `command`."""
    return ["sh", "-c", 'until [ -e "$0" ]; do sleep 0.1; done; exec "$@"', str(file), *command]


def unit(node: Node) -> list[str]:
    """Return the command that runs the node while it is switched on; it starts with the bridge's namespace at hand."""
    return after(
        node.switch, ["sh", "-c", 'exec 3</proc/self/ns/net; exec "$@"', "sh", *UNSHARE, *init_command(node.folder)]
    )


def write(node: Node, nodes: Sequence[Node], sandbox_image: str) -> None:
    """Write all files of `node`, one of `nodes`, into its folder; the control plane must have made its authority."""
    folder = node.folder
    (folder / "network").write_text(_network(node, nodes))
    (folder / "cable").write_text(f"link set {node.name} master {layout.BRIDGE} up\n")
    (folder / "resolv.conf").write_text("# A sandbox has no way out, so pods of the node's network resolve no names.\n")
    (folder / "cni-configuration").mkdir()
    (folder / "cni-configuration" / "10-bridge.conflist").write_text(json.dumps(_cni(node)))
    (folder / "containerd.toml").write_text(_containerd(folder, sandbox_image))
    pki.sign(node.cluster, folder / "kubelet-key", f"/O=system:nodes/CN=system:node:{node.name}", f"IP:{node.address}")
    pki.write_kubeconfig(node.cluster, folder / "kubelet.kubeconfig", folder / "kubelet-key")
    (folder / "kubelet.yaml").write_text(yaml.safe_dump(_kubelet(node)))
    (folder / "kube-proxy.yaml").write_text(yaml.safe_dump(kube_proxy(node)))
    (folder / SPECIFICATION).write_text(json.dumps(_specification(node)))


def _specification(node: Node) -> dict[str, Any]:
    folder = node.folder
    binds = {f"/proc/sys/{name}": folder / "tunables" / name for name in _TUNABLES if Path("/proc/sys", name).exists()}
    for target, own in binds.items():
        own.parent.mkdir(parents=True, exist_ok=True)
        own.write_text(Path(target).read_text())
    for target in ("/var/lib/containerd", "/var/lib/kubelet", "/var/lib/cni", "/var/log/pods"):
        binds[target] = folder / Path(target).name
        binds[target].mkdir(exist_ok=True)
    programs = layout.programs(node.cluster)
    kubelet = [f"{programs}/kubelet", f"--config={folder}/kubelet.yaml", f"--kubeconfig={folder}/kubelet.kubeconfig"]
    kubelet += [f"--hostname-override={node.name}", f"--node-ip={node.address}", f"--node-labels={_labels(node)}"]
    return {
        "hidden": _HIDDEN,
        "kept": str(node.cluster),
        "binds": {target: str(source) for target, source in binds.items()},
        "descriptor": 3,
        "forward": None,
        "setup": [
            # Kubelet needs mounts that containers see; none reaches the machine's own mount namespace.
            ["mount", "--make-rshared", "/"],
            ["ip", "-batch", str(folder / "network")],
            ["nsenter", "--net=/proc/self/fd/3", "ip", "-batch", str(folder / "cable")],
            ["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"],
        ],
        "units": {
            f"{node.name}-containerd": ["containerd", f"--config={folder}/containerd.toml"],
            f"{node.name}-kubelet": after(_CONTAINERD_SOCKET, kubelet),
            f"{node.name}-kube-proxy": [f"{programs}/kube-proxy", f"--config={folder}/kube-proxy.yaml"],
        },
        "logs": str(layout.logs(node.cluster)),
    }


def _labels(node: Node) -> str:
    return f"topology.kubernetes.io/region=sandbox,topology.kubernetes.io/zone={node.zone}"


def _network(node: Node, nodes: Sequence[Node]) -> str:
    """Return commands for `ip`: a cable to the bridge, and routes to the other nodes' pods."""
    return "\n".join(
        [
            "link set lo up",
            f"link add eth0 type veth peer name {node.name} netns /proc/self/fd/3",
            f"address add {node.address}/24 dev eth0",
            "link set eth0 up",
            f"route add default via {layout.GATEWAY}",
            *(f"route add {other.pods} via {other.address}" for other in nodes if other != node),
            "",
        ]
    )


def _cni(node: Node) -> dict[str, Any]:
    ranges = [[{"subnet": node.pods}]]
    addresses = {"type": "host-local", "ranges": ranges, "routes": [{"dst": "0.0.0.0/0"}]}
    bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "hairpinMode": True, "ipam": addresses}
    return {"cniVersion": "0.4.0", "name": "sandbox", "plugins": [bridge]}


def _containerd(folder: Path, sandbox_image: str) -> str:
    # JSON's strings are TOML's. AppArmor stays out, since profiles are loaded for the whole machine; the snapshotters
    # that are switched off would look for kernel modules.
    return f"""\
version = 2
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
]
[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = {json.dumps(sandbox_image)}
  disable_apparmor = true
  restrict_oom_score_adj = true
  enable_unprivileged_ports = true
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "overlayfs"
  default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = {json.dumps(str(cni_plugins()))}
  conf_dir = {json.dumps(str(folder / "cni-configuration"))}
"""


def _kubelet(node: Node) -> dict[str, Any]:
    folder = node.folder
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node.address,
        "tlsCertFile": f"{folder}/kubelet-key.crt",
        "tlsPrivateKeyFile": f"{folder}/kubelet-key.key",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki.authority(node.cluster))},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{_CONTAINERD_SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{node.cgroup}",
        "enforceNodeAllocatable": ["pods"],
        "failCgroupV1": False,
        "failSwapOn": False,
        "makeIPTablesUtilChains": False,
        "oomScoreAdj": 0,
        "clusterDNS": [layout.CLUSTER_DNS],
        "clusterDomain": "cluster.local",
        "resolvConf": f"{folder}/resolv.conf",
        # Lost nodes and broken pods show within seconds, so that tests needn't wait for minutes.
        "nodeStatusUpdateFrequency": "2s",
        "nodeLeaseDurationSeconds": 10,
        "crashLoopBackOff": {"maxContainerRestartPeriod": "3s"},
        # Disk and memory are the machine's, shared with all else on it; and images can't be pulled again.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
    }


def proxy_kubeconfig(cluster: Path) -> Path:
    """Return the kubeconfig of every kube-proxy."""
    return layout.machine(cluster) / "kube-proxy.kubeconfig"


def kube_proxy(node: Node) -> dict[str, Any]:
    """Return kube-proxy's configuration for Services as `node` sees them."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": layout.POD_RANGE,
        "hostnameOverride": node.name,
        "clientConnection": {"kubeconfig": str(proxy_kubeconfig(node.cluster))},
        "healthzBindAddress": "127.0.0.1:10256",
        "oomScoreAdj": 0,
        # 0 leaves the kernel's settings alone: some of them are the whole machine's.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }
