"""A control plane for as long as a fixture needs it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sandbox import cluster as control_plane

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from sandbox.cluster import Cluster
    from sandbox.toolchain import Toolchain


@contextmanager
def running(folder: Path, toolchain: Toolchain, *, crds: Path | None = None) -> Generator[Cluster]:
    """Run a control plane with kwok's nodes in ``folder``, with the kinds of the folder ``crds``."""
    try:
        yield control_plane.start(folder, toolchain, crds=crds)
    finally:
        control_plane.stop(folder, toolchain)
