"""What can befall a node or a pod's process: handles for tests and for trying a runbook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkube import Client, KubeConfig
from lightkube.resources.core_v1 import Pod

from sandbox import processes
from sandbox.cluster.real import cgroups, layout, namespaces
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence
    from pathlib import Path

    from sandbox.cluster import Cluster
    from sandbox.cluster.real.layout import Node


def cut(cluster: Cluster, name: str) -> None:
    """Pull the node's cable: it and its pods live on, but reach nobody and are reached by nobody."""
    _set_cable(_node(cluster, name), "down")


def heal(cluster: Cluster, name: str) -> None:
    """Plug the node's cable in again."""
    _set_cable(_node(cluster, name), "up")


def kill_kubelet(cluster: Cluster, name: str) -> None:
    """Kill the node's kubelet; it is started again after a second, and containers live on meanwhile."""
    node = _node(cluster, name)
    command = [f"{layout.programs(cluster.folder)}/kubelet", f"--config={node.folder}/kubelet.yaml"]
    for process in processes.running(lambda found: found[:2] == command):
        process.kill()


def power_off(cluster: Cluster, name: str) -> None:
    """End the node and all on it at once, as a power failure does; its disk stays."""
    node = _node(cluster, name)
    node.switch.unlink(missing_ok=True)
    first = namespaces.first_process(node.folder)
    if first is not None:
        first.kill()
        first.wait()
    # They would go with a machine's power too; a kubelet that finds them looks for their containers for half a minute.
    cgroups.remove(node.cgroup)
    cgroups.create(node.cgroup)


def power_on(cluster: Cluster, name: str) -> None:
    """Start a node that was switched off; it is Ready some seconds later."""
    _node(cluster, name).switch.touch()


def run_inside(cluster: Cluster, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run a command on the machine that holds the control plane: there pods and Services answer, by name too."""
    return namespaces.run_inside(cluster.folder, command)


def pids_of(cluster: Cluster, namespace: str, pod: str, container: str) -> list[int]:
    """Return the process ids on this machine of a pod's container, its first process first."""
    with Client(KubeConfig.from_file(cluster.kubeconfig)) as client:
        status = client.get(Pod, pod, namespace=namespace).status
    ids = {each.name: each.containerID for each in (status and status.containerStatuses) or []}
    if not (found := ids.get(container)):
        known = ", ".join(ids) or "none"
        raise SandboxError(f"Pod {namespace}/{pod} has no container {container!r} that was started; it has: {known}.")
    return sorted(cgroups.processes_of(layout.cgroup(cluster.folder), found.removeprefix("containerd://")))


def _set_cable(node: Node, state: str) -> None:
    run = namespaces.run_inside(node.cluster, ["ip", "link", "set", node.name, state])
    if run.returncode:
        raise SandboxError(f"The cable of {node.name} can't be set {state}: {run.stderr.strip()}")


def _node(cluster: Cluster, name: str) -> Node:
    nodes = {node.name: node for node in layout.nodes_of(cluster.folder)}
    if name not in nodes:
        raise SandboxError(f"No such node: {name!r}; this sandbox has {', '.join(nodes)}.")
    return nodes[name]
