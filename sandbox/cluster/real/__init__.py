"""Real nodes for a sandbox: containerd, kubelet and kube-proxy, each node in namespaces of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from sandbox import kubeconfig
from sandbox.cluster import kwokctl
from sandbox.cluster.real import cgroups, images, layout, machine, node_files
from sandbox.cluster.real.layout import Node
from sandbox.cluster.real.requirements import missing
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.toolchain import Toolchain

_OBJECTS = Path(__file__).parent / "objects.yaml"
_DNS_REPLICAS = 2
__all__ = ["missing", "start"]


def start(cluster: Path, toolchain: Toolchain, count: int, archives: Sequence[Path]) -> str:
    """Start control plane and nodes in `cluster` and write its kubeconfig; the nodes aren't Ready yet.

    Return the manifests that such a cluster brings along.
    """
    if not 1 <= count <= layout.MOST_NODES:
        raise SandboxError(f"count is {count}; allowed are 1 to {layout.MOST_NODES} real nodes.")
    if lack := missing(cluster):
        raise SandboxError(lack)
    pause = _image("pause", archives)
    replaced = {"COREDNS_IMAGE": _image("coredns", archives), "COREDNS_REPLICAS": str(min(count, _DNS_REPLICAS))}
    nodes = [Node(cluster, index) for index in range(count)]
    port = machine.start(cluster, nodes, toolchain)
    disks = [node.folder / "containerd" for node in nodes]
    for disk in disks:
        disk.mkdir(parents=True)
    with ThreadPoolExecutor() as pool:
        installed = pool.submit(images.install, archives, disks)
        kwokctl.create(cluster, toolchain, machine.plan(cluster))
        machine.give_credentials(cluster)
        for node in nodes:
            node_files.write(node, nodes, pause)
            cgroups.create(node.cgroup)
        installed.result()
    for node in nodes:
        node.switch.touch()
    _lead_to(cluster, port)
    return Template(_OBJECTS.read_text()).substitute(replaced)


def _image(name: str, archives: Sequence[Path]) -> str:
    """Return the image called `name`, whatever its registry and tag."""
    found = [each for archive in archives for each in images.names(archive)]
    for each in found:
        if each.rpartition("/")[2].partition(":")[0] == name:
            return each
    raise SandboxError(f"Real nodes need an image called {name!r}; archives hold {', '.join(found) or 'none'}.")


def _lead_to(cluster: Path, port: int) -> None:
    """Make the kubeconfig lead to the forwarded port: the API server's own is in the machine's namespace."""
    file = cluster / "kubeconfig"
    content = kubeconfig.renamed(file.read_text())
    content["clusters"][0]["cluster"]["server"] = f"https://127.0.0.1:{port}"
    kubeconfig.write(file, content)
