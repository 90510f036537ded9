"""Faults of the control plane: handles for tests and for trying a runbook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

from sandbox import processes
from sandbox.cluster import kwokctl
from sandbox.cluster.real import layout, namespaces
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from sandbox.cluster import Cluster
    from sandbox.toolchain import Toolchain

_END_SECONDS = 10


def process(cluster: Cluster, component: str) -> psutil.Process:
    """Return the running process of a component, such as `kube-apiserver`."""
    if component not in kwokctl.COMPONENTS:
        raise SandboxError(f"No such component: {component!r}; allowed are {', '.join(sorted(kwokctl.COMPONENTS))}.")
    program = str(kwokctl.work_folder(cluster.folder) / "bin" / component)
    for found in processes.running(lambda command: command[0] == program):
        return found
    raise SandboxError(f"{component} does not run.")


def kill(cluster: Cluster, component: str) -> None:
    """Kill a component with SIGKILL and return when it is gone; nothing starts it again."""
    found = process(cluster, component)
    found.kill()
    psutil.wait_procs([found], timeout=_END_SECONDS)


def start(cluster: Cluster, toolchain: Toolchain, component: str) -> None:
    """Start a component that was killed, and return when the control plane is ready."""
    enter = namespaces.enter(cluster.folder) if layout.is_real(cluster.folder) else ()
    kwokctl.revive(cluster.folder, toolchain.path("kwokctl"), enter, component)
