"""Which nodes a sandbox gets: real ones, on which containers run, or kwok's, on which none does."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Literal

from sandbox import git_server, images
from sandbox import toolchain as tools
from sandbox.cluster import find, real, start
from sandbox.errors import SandboxError
from sandbox.toolchain.crds import BEFORE_DEV, ensure_crds

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.cluster import Cluster
    from sandbox.folder import Folder
    from sandbox.progress import Progress
    from sandbox.toolchain import Toolchain

Kind = Literal["kwok", "real"]


def chosen(wanted: str, folder: Folder, progress: Progress) -> Kind:
    """Return the kind of nodes for a cluster that is to be started; `wanted` may be empty: real where they can run.

    Raises SandboxError if real ones are wanted and can't run here.
    """
    if wanted == "kwok":
        return "kwok"
    missing = real.missing(folder.cluster)
    if missing is None:
        return "real"
    if wanted == "real":
        raise SandboxError(f"{missing} NODES=kwok needs none of that, and runs no container.")
    progress.note(f"The nodes are kwok's, on which no container runs. {missing}")
    return "kwok"


def refuse_other(wanted: str, folder: Folder) -> None:
    """Raise SandboxError if the running cluster's nodes are of another kind than `wanted`."""
    running = find(folder.cluster)
    if running and wanted == ("kwok" if running.real else "real"):
        raise SandboxError(f"NODES is {wanted!r}, but this sandbox runs without: `make down` first, or choose a NAME.")


def start_cluster(folder: Folder, toolchain: Toolchain, progress: Progress, kind: Kind) -> Cluster:
    """Start a control plane with nodes of this kind and what the sandbox brings along for them."""
    crds = ensure_crds(BEFORE_DEV, progress)
    if kind == "kwok":
        with progress.step("Control plane with 3 kwok nodes and the operators' CRDs: starting"):
            return start(folder.cluster, toolchain, crds=crds)
    toolchain, archives = prepare(progress)
    with progress.step("Control plane with 3 real nodes and the operators' CRDs: starting"):
        cluster = start(folder.cluster, toolchain, nodes="real", archives=archives, crds=crds)
    with progress.step("Git server for what the Websites read from github.com: starting"):
        git_server.start(folder, toolchain)
    return cluster


def prepare(progress: Progress) -> tuple[Toolchain, tuple[Path, ...]]:
    """Build the tools and make the images of real nodes, as far as they aren't there."""
    toolchain = tools.ensure((*tools.EVERYWHERE, *tools.REAL_NODES), progress)
    return toolchain, tuple(images.ensure(progress).values())


def await_pods(folder: Folder, toolchain: Toolchain, progress: Progress) -> None:
    """Wait for databases and pods, those too that controllers made; say it where some aren't ready, no failure."""
    running = "--for=jsonpath={.status.PostgresClusterStatus}=Running"
    for title, what in (
        ("Every database Running", ("postgresql", running)),
        ("Every pod Ready", ("pods", "--for=condition=Ready")),
    ):
        kubectl = [toolchain.path("kubectl"), f"--kubeconfig={folder.kubeconfig}", "wait", "--all-namespaces", "--all"]
        with progress.step(title):
            run = subprocess.run([*kubectl, *what, "--timeout=90s"], capture_output=True, text=True, check=False)
        # None at all is an error of kubectl's, and fine here.
        if "timed out" in run.stderr:
            progress.note(f"These aren't; `kubectl describe` says why:\n{run.stderr.strip()}")
