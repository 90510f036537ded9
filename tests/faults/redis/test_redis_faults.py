"""One round of every fault: all comes back, and of a single one nothing is lost that a replica has confirmed."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.redis.__main__ import run
from tests.faults.redis.faults import FAULTS
from tests.faults.redis.measure import MAX_LAG, Result
from tests.faults.redis.pods import ROOT
from tests.faults.redis.stateful_set import StatefulSet

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="network namespaces need root")

# Their pods have disks or clocks of their own, and mounts that nobody else should see.
APART = [name for name, fault in FAULTS.items() if fault.needs_pods_of_its_own]
SHARED = [name for name in FAULTS if name not in APART]
PROMISES = "lost_with_wait=0 lost_without_wait=0 dual_primary_writes=0 crashloops=0 runs=1"
# Sets of three pods, on each of which some faults happen one after the other: most of a fault is waiting.
LANES = 3


def round_of(names: list[str], folder: Path, results: dict[str, Future[Result]]) -> None:
    """Run these faults on the same pods; one that fails leaves the next ones theirs."""
    with StatefulSet(folder) as redis:
        redis.start()
        for number, name in enumerate(names):
            try:
                results[name].set_result(run(FAULTS[name], redis, folder / f"fault-{number}"))
            except Exception as error:  # noqa: BLE001 - the test of this fault raises it
                results[name].set_exception(error)


def command_of(name: str) -> subprocess.CompletedProcess[str]:
    """Run one fault by the command, which mounts file systems that only its own processes see."""
    command = [sys.executable, "-m", "tests.faults.redis", "--runs", "1", "--fault", name]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def lanes() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(LANES + 1) as pool:
        yield pool


@pytest.fixture(scope="module")
def commands(lanes: ThreadPoolExecutor) -> dict[str, Future[subprocess.CompletedProcess[str]]]:
    """What the faults that stand apart print, one after the other beside the lanes."""
    done: dict[str, Future[subprocess.CompletedProcess[str]]] = {name: Future() for name in APART}

    def each() -> None:
        for name in APART:
            try:
                done[name].set_result(command_of(name))
            except subprocess.TimeoutExpired as error:
                done[name].set_exception(error)

    lanes.submit(each)
    return done


@pytest.fixture(scope="module")
def results(lanes: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Future[Result]]:
    """What every other fault has cost, as soon as it is known."""
    results: dict[str, Future[Result]] = {name: Future() for name in SHARED}
    folder = tmp_path_factory.mktemp("faults")
    for lane in range(LANES):
        lanes.submit(round_of, SHARED[lane::LANES], folder / f"lane-{lane}", results)
    return results


@pytest.mark.usefixtures("commands")
@pytest.mark.parametrize("name", SHARED)
def test_after_each_fault_all_is_back_and_of_a_single_one_nothing_confirmed_is_lost(
    results: dict[str, Future[Result]], name: str, record_property: Callable[[str, object], None]
) -> None:
    result = results[name].result(600)
    record_property("seconds", f"{result.outage:6.1f} s  without a writable primary of Redis: {name}")
    assert result.acknowledged > 0
    if FAULTS[name].single:
        assert result.lost_with_wait == 0
    assert result.lost_seconds <= MAX_LAG
    assert (result.dual_primary_writes, result.crashloops) == (0, 0)


@pytest.mark.parametrize("name", APART)
def test_after_each_fault_of_a_disk_or_a_clock_too(
    commands: dict[str, Future[subprocess.CompletedProcess[str]]], name: str
) -> None:
    done = commands[name].result(600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith(PROMISES), done.stdout
