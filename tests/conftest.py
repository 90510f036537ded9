"""Fixtures that every test may use: the tools, and one real control plane a test session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import cluster as control_plane
from sandbox import toolchain as tools
from sandbox.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.cluster import Cluster
    from sandbox.toolchain import Toolchain


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    """All tools; built first if they are neither on PATH nor cached."""
    return tools.ensure(progress=Progress(quiet=True))


@pytest.fixture(scope="session")
def cluster(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A control plane with three nodes, volumes and the publishers' CRDs."""
    folder = tmp_path_factory.mktemp("cluster") / "cluster"
    try:
        yield control_plane.start(folder, toolchain)
    finally:
        control_plane.stop(folder, toolchain)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how long what tests waited for took: figures to read, never to fail by."""
    reports = (report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome))
    noted = [value for report in reports for name, value in report.user_properties if name == "seconds"]
    if noted:
        terminalreporter.section("seconds until it was so")
        for line in noted:
            terminalreporter.write_line(str(line))
