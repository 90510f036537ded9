"""Fixtures that every test may use: the tools, and one real control plane a test session."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

from sandbox import toolchain as tools
from sandbox.progress import Progress
from sandbox.toolchain.crds import GATEWAY_API, POSTGRES_OPERATOR, ensure_crds
from tests.control_planes import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xdist.remote import Producer

    from sandbox.cluster import Cluster
    from sandbox.toolchain import Toolchain


# Folders of tests that roll a whole stack out.
_LONG = {"stack", "operators", "upgrade"}
# Files that share what is made once for each worker: two stacks, and as many sandboxes of real nodes.
_SHARED = {
    "operators": re.compile("tests/integration/operators/"),
    "stack, until it is taken down": re.compile("tests/integration/stack/test_(rollout|taken_down)"),
    "stack": re.compile("tests/integration/stack/"),
    "changes on real nodes": re.compile("tests/e2e/test_e2e_(redis_changes|website)"),
    "real nodes": re.compile("tests/e2e/"),
}


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    """All tools; built first if they are neither on PATH nor cached."""
    return tools.ensure(progress=Progress(quiet=True))


@pytest.fixture(scope="session")
def cluster(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A control plane with three nodes, volumes, and the CRDs of the Zalando operator and of Gateway API."""
    folder = tmp_path_factory.mktemp("cluster") / "cluster"
    with running(folder, toolchain, crds=ensure_crds((POSTGRES_OPERATOR, GATEWAY_API))) as cluster:
        yield cluster


class _ByRollout(LoadScopeScheduling):
    """Gives a file's tests to one worker, and files that share something too."""

    def _split_scope(self, nodeid: str) -> str:
        return next((name for name, files in _SHARED.items() if files.match(nodeid)), nodeid.split("::", 1)[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _ByRollout:
    """Return how tests are given to workers; pytest-xdist asks, where there are any."""
    return _ByRollout(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files first that roll a whole stack out, so that none is left for one worker at the end."""
    items.sort(key=lambda item: _LONG.isdisjoint(item.path.parts))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how long what tests waited for took: figures to read, never to fail by."""
    reports = (report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome))
    noted = [value for report in reports for name, value in report.user_properties if name == "seconds"]
    if noted:
        terminalreporter.section("seconds until it was so")
        for line in noted:
            terminalreporter.write_line(str(line))
