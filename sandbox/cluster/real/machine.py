"""The machine that a sandbox plays: namespaces that hold the control plane, the bridge and the nodes."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from sandbox import processes
from sandbox.cluster import kwokctl
from sandbox.cluster.kwokctl import Plan
from sandbox.cluster.real import layout, namespaces, node_files, pki
from sandbox.errors import SandboxError
from sandbox.folder import PROJECT
from sandbox.toolchain.cache import link_or_copy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.cluster.real.layout import Node
    from sandbox.toolchain import Toolchain

PROVISIONER = "longhorn-provisioner"
_PROXY = "kube-proxy"
_START_SECONDS = 20
# Containers' root folders get their modes under it. Others of the machine's users are shut out by the sandbox's folder.
_UMASK = 0o022
# kwokctl's programs reach the API server at 127.0.0.1, but it listens on the bridge, where the nodes reach it too.
_LOOPBACK = f"""
table ip loopback {{
  chain output {{
    type nat hook output priority -100
    ip daddr 127.0.0.1 tcp dport {layout.API_PORT} dnat to {layout.GATEWAY}
  }}
}}
"""


def plan(cluster: Path) -> Plan:
    """Return the plan of a control plane inside the machine, for nodes with kubelets."""
    pki_folder = pki.authority(cluster).parent
    return Plan(
        options={
            "etcdPort": 2379,
            "etcdPeerPort": 2380,
            "kubeApiserverPort": layout.API_PORT,
            "kubeControllerManagerPort": 10257,
            "kubeSchedulerPort": 10259,
            "kubeApiserverCertSANs": [layout.GATEWAY, "10.96.0.1"],
            "disable": ["kwok-controller"],
        },
        flags={
            "kube-apiserver": {
                "bind-address": layout.GATEWAY,
                "advertise-address": layout.GATEWAY,
                "enable-admission-plugins": "NodeRestriction",
                "kubelet-certificate-authority": str(pki_folder / "ca.crt"),
                "kubelet-client-certificate": str(pki_folder / "admin.crt"),
                "kubelet-client-key": str(pki_folder / "admin.key"),
                "kubelet-preferred-address-types": "InternalIP",
            },
            # A lost node shows after 12 s instead of 50: kubelets renew their leases every 2.5 s.
            "kube-controller-manager": {
                "service-cluster-ip-range": kwokctl.SERVICE_RANGE,
                "node-monitor-period": "1s",
                "node-monitor-grace-period": "12s",
            },
        },
        enter=namespaces.enter(cluster),
    )


def start(cluster: Path, nodes: Sequence[Node], toolchain: Toolchain) -> int:
    """Start the machine and return the port on the outer loopback that leads to its API server.

    Its units wait: a node until it is switched on, the others until they have kubeconfigs.
    """
    folder = layout.machine(cluster)
    for made in (folder, layout.volumes(cluster), layout.logs(cluster), layout.programs(cluster)):
        made.mkdir(parents=True)
    for program in ("kubelet", "kube-proxy"):
        link_or_copy(toolchain.path(program).resolve(), layout.programs(cluster) / program)
    with socket.create_server(("127.0.0.1", 0)) as listener, (folder / "log").open("wb") as log:
        _write(cluster, nodes, listener.fileno())
        # A shell that ends at once leaves it nobody's child, so that it outlives `make up` and its Ctrl-C.
        subprocess.run(
            ["sh", "-c", '"$@" &', "sh", *namespaces.UNSHARE, *namespaces.init_command(folder)],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(listener.fileno(),),
            start_new_session=True,
            umask=_UMASK,
            check=True,
        )
        _await(cluster)
        return listener.getsockname()[1]


def give_credentials(cluster: Path) -> None:
    """Write the units' kubeconfigs, once the control plane has made its authority; then they start."""
    for user in (_PROXY, PROVISIONER):
        key_pair = layout.machine(cluster) / user
        pki.sign(cluster, key_pair, f"/CN=system:{user}", f"DNS:{user}")
        pki.write_kubeconfig(cluster, key_pair.with_name(f"{user}.kubeconfig"), key_pair)


def _write(cluster: Path, nodes: Sequence[Node], descriptor: int) -> None:
    folder = layout.machine(cluster)
    (folder / "network").write_text(_network(nodes))
    (folder / "loopback").write_text(_LOOPBACK)
    resolver = folder / "resolv.conf"
    resolver.write_text(f"nameserver {layout.CLUSTER_DNS}\nsearch svc.cluster.local cluster.local\noptions ndots:5\n")
    (folder / "kube-proxy.yaml").write_text(yaml.safe_dump(node_files.kube_proxy(nodes[0])))
    proxy = [f"{layout.programs(cluster)}/kube-proxy", f"--config={folder}/kube-proxy.yaml"]
    provisioner = [sys.executable, "-m", "sandbox.cluster.real.provisioner", str(cluster)]
    specification = {
        "hidden": [],
        "kept": str(cluster),
        "binds": {"/etc/resolv.conf": str(resolver)} if Path("/etc/resolv.conf").exists() else {},
        "descriptor": descriptor,
        "forward": [layout.GATEWAY, layout.API_PORT],
        "setup": [
            ["ip", "-batch", str(folder / "network")],
            ["nft", "--file", str(folder / "loopback")],
            ["touch", str(folder / "ready")],
        ],
        "units": {
            **{node.name: node_files.unit(node) for node in nodes},
            "kube-proxy": node_files.after(folder / f"{_PROXY}.kubeconfig", proxy),
            "provisioner": node_files.after(folder / f"{PROVISIONER}.kubeconfig", provisioner),
        },
        "logs": str(layout.logs(cluster)),
    }
    (folder / namespaces.SPECIFICATION).write_text(json.dumps(specification))


def _network(nodes: Sequence[Node]) -> str:
    """Return commands for `ip`: the bridge, and routes to the pods; nothing is forwarded between those."""
    return "\n".join(
        [
            "link set lo up",
            f"link add {layout.BRIDGE} type bridge",
            f"address add {layout.GATEWAY}/24 dev {layout.BRIDGE}",
            f"link set {layout.BRIDGE} up",
            *(f"route add {node.pods} via {node.address}" for node in nodes),
            # Any route will do: kube-proxy turns it to a pod.
            f"route add {kwokctl.SERVICE_RANGE} dev {layout.BRIDGE}",
            "",
        ]
    )


def _await(cluster: Path) -> None:
    folder = layout.machine(cluster)
    deadline = time.monotonic() + _START_SECONDS
    while not (folder / "ready").exists():
        words = (folder / "log").read_text()
        died = words and not processes.running(namespaces.belongs_to(cluster))
        if died or time.monotonic() > deadline:
            raise SandboxError(f"The namespaces of the control plane could not be set up:\n{words.strip()}")
        time.sleep(0.02)
