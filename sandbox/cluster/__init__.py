"""A control plane of its own for every sandbox: real etcd, API server, controller manager and scheduler on loopback.

Its nodes are played by kwok, or real: then all but one port on loopback is in namespaces of its own.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sandbox import processes
from sandbox.cluster import kwokctl, real
from sandbox.cluster.readiness import await_ready
from sandbox.cluster.real import cgroups, layout, namespaces
from sandbox.errors import SandboxError
from sandbox.kubeconfig import CONTEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.toolchain import Toolchain

__all__ = ["Cluster", "find", "start", "stop"]

_OBJECTS = Path(__file__).parent / "objects.yaml"
_KWOK_NODES = 3


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

    @property
    def audit_log(self) -> Path:
        """A JSON object a line for every request that a ServiceAccount made."""
        return kwokctl.audit_log(self.folder)

    @property
    def real(self) -> bool:
        """Whether the nodes run containers."""
        return layout.is_real(self.folder)


def start(
    folder: Path,
    toolchain: Toolchain,
    *,
    nodes: Literal["kwok", "real"] = "kwok",
    count: int = 3,
    archives: Sequence[Path] = (),
    crds: Path | None = None,
) -> Cluster:
    """Start a control plane whose every file lies in `folder`, with nodes and volumes.

    Real nodes need Linux and root (`sandbox.cluster.real.missing` tells), the tools `toolchain.REAL_NODES`, and OCI
    archives of their images, `pause` and `coredns` among them; `count` is theirs, kwok's are always three. `crds` is a
    folder of YAML files of kinds that are there from the start. What an earlier control plane left in `folder` is
    removed first. If the start fails or is interrupted nothing is left.
    """
    stop(folder, toolchain)
    folder.mkdir(mode=0o700, parents=True)
    try:
        if nodes == "real":
            objects = real.start(folder, toolchain, count, archives)
        else:
            kwokctl.create(folder, toolchain, kwokctl.with_kwok())
            objects = _OBJECTS.read_text()
        _populate(folder / "kubeconfig", toolchain, objects, crds)
        await_ready(folder / "kubeconfig", count if nodes == "real" else _KWOK_NODES)
    except BaseException:
        stop(folder, toolchain)
        raise
    return Cluster(folder, folder / "kubeconfig")


def find(folder: Path) -> Cluster | None:
    """Return the control plane in `folder` if all of it runs, else None; nodes may be switched off."""
    alive = {Path(command[0]).name for command in processes.commands(kwokctl.belongs_to(folder))}
    needed = kwokctl.CONTROL_PLANE if layout.is_real(folder) else kwokctl.COMPONENTS
    whole = alive >= needed and (folder / "kubeconfig").exists()
    return Cluster(folder, folder / "kubeconfig") if whole else None


def stop(folder: Path, toolchain: Toolchain) -> None:  # noqa: ARG001 - callers needn't know how it is stopped
    """End the control plane in `folder` and remove all it wrote; fine to repeat, and after a crash."""
    # Their data goes too, so there is nothing to end in good order.
    of_control_plane, of_namespaces = kwokctl.belongs_to(folder), namespaces.belongs_to(folder)
    processes.end(lambda command: of_control_plane(command) or of_namespaces(command))
    # Whatever the folder says: it may have been removed by hand.
    cgroups.remove(layout.cgroup(folder))
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(folder)


def _populate(kubeconfig: Path, toolchain: Toolchain, objects: str, crds: Path | None) -> None:
    kubectl = [toolchain.path("kubectl"), f"--kubeconfig={kubeconfig}", f"--cache-dir={kubeconfig.parent}/discovery"]
    command = [*kubectl, "create", "--validate=false", "-f", "-", *(["-f", crds] if crds else [])]
    run = subprocess.run(command, input=objects, capture_output=True, text=True, check=False)
    if run.returncode:
        raise SandboxError(f"`{' '.join(map(str, command))}` failed:\n{run.stderr.strip()}")
