"""Where the parts of a sandbox with real nodes lie: folders, addresses and control groups.

The addresses exist in the sandbox's own network namespaces only, so every sandbox has the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.cluster import kwokctl

if TYPE_CHECKING:
    from pathlib import Path

# The control plane's address on the bridge that joins it and the nodes.
GATEWAY = "10.89.0.1"
API_PORT = 6443
POD_RANGE = "10.88.0.0/16"
CLUSTER_DNS = "10.96.0.10"
BRIDGE = "nodes"
_FIRST_NODE = 10
_ZONES = "abcdefghijklmnopqrstuvwxyz"
# Nodes' addresses and pods' ranges are numbered in one byte, zones by one letter.
MOST_NODES = len(_ZONES)


@dataclass(frozen=True, slots=True)
class Node:
    """The node number `index` of the sandbox whose cluster lies in `cluster`."""

    cluster: Path
    index: int

    @property
    def name(self) -> str:
        """The node's name in the cluster, and that of its cable's end at the bridge."""
        return f"node-{self.index}"

    @property
    def folder(self) -> Path:
        """Its disk: what a node that is switched off keeps."""
        return self.cluster / "nodes" / self.name

    @property
    def switch(self) -> Path:
        """A file that is there while the node is switched on."""
        return self.folder / "on"

    @property
    def address(self) -> str:
        """Its address on the bridge."""
        return f"10.89.0.{_FIRST_NODE + self.index}"

    @property
    def pods(self) -> str:
        """The range of its pods' addresses."""
        return f"10.88.{self.index}.0/24"

    @property
    def zone(self) -> str:
        """Each node is in a zone of its own."""
        return f"zone-{_ZONES[self.index]}"

    @property
    def cgroup(self) -> str:
        """The control group of its pods, relative to a hierarchy's root."""
        return f"{cgroup(self.cluster)}/{self.name}"


def cgroup(cluster: Path) -> str:
    """Return the name of the sandbox's control group; it follows from the folder, so it is known after a crash too."""
    return f"platform-sandbox-{hashlib.sha256(str(cluster).encode()).hexdigest()[:12]}"


def machine(cluster: Path) -> Path:
    """Return the folder of the machine that holds control plane and bridge."""
    return cluster / "machine"


def programs(cluster: Path) -> Path:
    """Return the folder of the nodes' programs; a node sees no other folder of the machine for certain."""
    return cluster / "bin"


def volumes(cluster: Path) -> Path:
    """Return the folder that every node sees: there the volumes lie."""
    return cluster / "volumes"


def logs(cluster: Path) -> Path:
    """Return the folder that holds one log for each part."""
    return kwokctl.work_folder(cluster) / "logs"


def is_real(cluster: Path) -> bool:
    """Tell whether the cluster in that folder was started with real nodes."""
    return machine(cluster).exists()


def nodes_of(cluster: Path) -> list[Node]:
    """Return the nodes of the sandbox in that folder."""
    return [Node(cluster, index) for index in range(len(list((cluster / "nodes").iterdir())))]
