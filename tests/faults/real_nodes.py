"""A cluster of real nodes for one fault suite."""

from collections.abc import Collection, Generator
from contextlib import contextmanager
from pathlib import Path

from sandbox import cluster as control_plane
from sandbox import images
from sandbox import toolchain as tools
from sandbox.cluster import Cluster
from sandbox.progress import Progress
from sandbox.toolchain import Toolchain
from sandbox.toolchain.crds import ensure_crds
from sandbox.toolchain.publishers import Publisher


@contextmanager
def real_nodes(
    folder: Path, count: int = 3, *, kinds: Collection[Publisher] = (), on_demand: Collection[str] = ()
) -> Generator[tuple[Cluster, Toolchain]]:
    """Start a control plane in ``folder`` with real nodes and all images; build first what isn't there.

    The CRDs of ``kinds`` are there, and beside all other images those of ``on_demand``.
    """
    toolchain = tools.ensure([*tools.EVERYWHERE, *tools.REAL_NODES], Progress(quiet=True))
    archives = [*images.ensure(Progress(quiet=True)).values(), *images.ensure(Progress(quiet=True), on_demand).values()]
    crds = ensure_crds(tuple(kinds)) if kinds else None
    try:
        yield control_plane.start(folder, toolchain, nodes="real", count=count, archives=archives, crds=crds), toolchain
    finally:
        control_plane.stop(folder, toolchain)
