"""A cluster of real nodes for one fault suite."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sandbox import cluster as control_plane
from sandbox import images
from sandbox import toolchain as tools
from sandbox.cluster import Cluster
from sandbox.progress import Progress
from sandbox.toolchain import Toolchain


@contextmanager
def real_nodes(folder: Path, count: int = 3) -> Generator[tuple[Cluster, Toolchain]]:
    """Start a control plane in ``folder`` with real nodes and all images; build first what isn't there."""
    toolchain = tools.ensure([*tools.EVERYWHERE, *tools.REAL_NODES], Progress(quiet=True))
    archives = list(images.ensure(Progress(quiet=True)).values())
    try:
        yield control_plane.start(folder, toolchain, nodes="real", count=count, archives=archives), toolchain
    finally:
        control_plane.stop(folder, toolchain)
