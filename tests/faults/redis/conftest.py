"""Redis with Sentinel, as processes on hosts of their own in network namespaces."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.redis.pods import eventually
from tests.faults.redis.stateful_set import StatefulSet


def started(folder: Path) -> Iterator[StatefulSet]:
    if os.getuid() != 0:
        pytest.skip("network namespaces need root")
    with StatefulSet(folder) as pods:
        pods.start()
        yield pods


def settled(pods: StatefulSet) -> StatefulSet:
    eventually(pods.settled, 90, "all pods are ready and known to every Sentinel")
    pods.mark_lived()
    return pods


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StatefulSet]:
    yield from started(tmp_path_factory.mktemp("pods") / "redis")


@pytest.fixture
def redis(pods: StatefulSet) -> StatefulSet:
    """Three pods that have found each other, with Sentinels that know all servers; the tests of a file share them."""
    return settled(pods)


@pytest.fixture
def redis_to_break(tmp_path: Path) -> Iterator[StatefulSet]:
    """The same for one test that doesn't mend them."""
    for pods in started(tmp_path / "redis"):
        yield settled(pods)
