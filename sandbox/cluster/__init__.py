"""A control plane of its own for every sandbox: real etcd, API server, controller manager and scheduler on loopback."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lightkube import Client, KubeConfig
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition
from lightkube.resources.core_v1 import Node

from sandbox import processes
from sandbox.cluster import kwokctl
from sandbox.errors import SandboxError
from sandbox.kubeconfig import CONTEXT
from sandbox.toolchain.crds import ensure_crds

if TYPE_CHECKING:
    from sandbox.toolchain import Toolchain

__all__ = ["Cluster", "find", "start", "stop"]

_OBJECTS = Path(__file__).parent / "objects.yaml"
_READY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running control plane; `kubeconfig` has one context, of an administrator."""

    folder: Path
    kubeconfig: Path
    context: str = CONTEXT

    @property
    def logs(self) -> Path:
        """The folder that holds one log for each component."""
        return kwokctl.work_folder(self.folder) / "logs"


def start(folder: Path, toolchain: Toolchain) -> Cluster:
    """Start a control plane whose every file lies in `folder`, with nodes, volumes and the publishers' CRDs.

    What an earlier control plane left there is removed first. If the start fails or is interrupted nothing is left.
    """
    stop(folder, toolchain)
    folder.mkdir(mode=0o700, parents=True)
    try:
        kwokctl.create(folder, toolchain)
        _populate(folder / "kubeconfig", toolchain)
    except BaseException:
        stop(folder, toolchain)
        raise
    return Cluster(folder, folder / "kubeconfig")


def find(folder: Path) -> Cluster | None:
    """Return the control plane in `folder` if all of it runs, else None."""
    alive = {Path(process.cmdline()[0]).name for process in processes.running(kwokctl.belongs_to(folder))}
    whole = alive >= kwokctl.COMPONENTS and (folder / "kubeconfig").exists()
    return Cluster(folder, folder / "kubeconfig") if whole else None


def stop(folder: Path, toolchain: Toolchain) -> None:  # noqa: ARG001 - callers needn't know how it is stopped
    """End the control plane in `folder` and remove all it wrote; fine to repeat, and after a crash."""
    # Their data goes too, so there is nothing to end in good order.
    processes.end(kwokctl.belongs_to(folder))
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _populate(kubeconfig: Path, toolchain: Toolchain) -> None:
    kubectl = [toolchain.path("kubectl"), f"--kubeconfig={kubeconfig}", f"--cache-dir={kubeconfig.parent}/discovery"]
    command = [*kubectl, "create", "--validate=false", "-f", _OBJECTS, "-f", ensure_crds()]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SandboxError(f"`{' '.join(map(str, command))}` failed:\n{run.stderr.strip()}")
    with Client(KubeConfig.from_file(kubeconfig)) as client:
        _await_conditions(client)


def _await_conditions(client: Client) -> None:
    """Wait for every CRD and node; `kubectl wait` watches them one by one, which took five times as long."""
    deadline = time.monotonic() + _READY_SECONDS
    while missing := _without(client, CustomResourceDefinition, "Established") + _without(client, Node, "Ready"):
        if time.monotonic() > deadline:
            raise SandboxError(f"Not ready after {_READY_SECONDS} s: {', '.join(missing)}.")
        time.sleep(0.1)


def _without(client: Client, kind: type[CustomResourceDefinition | Node], condition: str) -> list[str]:
    """Return the names of the objects whose condition isn't True."""
    names: list[str] = []
    for item in client.list(kind):
        conditions = (item.status.conditions if item.status else None) or []
        if not any(each.type == condition and each.status == "True" for each in conditions):
            names.append(item.metadata.name if item.metadata and item.metadata.name else "?")
    return names
