"""One round of faults under the real operator: all comes back, and of a single one no acknowledged row is lost."""

import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest

from tests.faults.postgres.__main__ import NODE_LOSS, figures, run
from tests.faults.postgres.client_pod import Acknowledged, Client
from tests.faults.postgres.faults import FAULTS, processes
from tests.faults.postgres.lab import Lab, prod_patroni
from tests.faults.postgres.measure import RECOVERY, Result, late, lost
from tests.integration.sandbox.kubectl import eventually
from tests.processes import named, send

Note = Callable[[str, object], None]

# Seconds that a busy machine may add to what Patroni promises.
SLACK = 5.0
# The rest is in the long runs: each lasts up to two minutes.
ROUND = ("kill-the-primarys-server", "delete-the-primarys-pod", "cut-the-primary-off")
# Seconds in which a primary that isn't strict has long gone on alone: Patroni looks every four.
ALONE_SECONDS = 15
# Seconds in which the operator has told Patroni, and Patroni PostgreSQL.
TOLD_SECONDS = 60


@pytest.mark.parametrize("key", ROUND)
def test_a_fault_ends_by_itself_and_loses_no_acknowledged_row(lab: Lab, key: str, record_property: Note) -> None:
    fault = FAULTS[key]
    result = run(lab, fault, 0)
    record_property("seconds", f"{result.outage:6.1f} s  without a row of PostgreSQL's client: {fault.name}")
    assert (result.lost, result.dual) == (0, 0)
    if key in NODE_LOSS:
        patroni = prod_patroni()
        assert result.outage <= patroni["ttl"] + patroni["loopWait"] + SLACK


def test_in_strict_mode_no_row_is_taken_without_a_standby_until_a_person_allows_it(
    lab: Lab, record_property: Note
) -> None:
    lab.edit(patroni={**lab.settings["patroni"], "synchronousModeStrict": True})
    primary = lab.primary()
    strict = "synchronous_mode_strict: true"
    eventually(lambda: strict in lab.patronictl(primary, "show-config"), "Patroni is strict", TOLD_SECONDS)
    client = Client(lab, "strict")
    client.await_writing()
    with _standbys_away(lab):
        time.sleep(SLACK)
        alone = time.monotonic()
        time.sleep(ALONE_SECONDS)
        assert not client.writes_since(alone)
        allowed = time.monotonic()
        # Without `synchronous_mode_strict` alone, Patroni 3.0 would wait for the next standby.
        lab.configure(primary, "synchronous_mode=false")
        eventually(lambda: client.writes_since(allowed), "the primary goes on alone", TOLD_SECONDS)
        record_property("seconds", f"{time.monotonic() - allowed:6.1f} s  until a primary goes on alone, by hand")
    lab.configure(primary, "synchronous_mode=true")
    eventually(lab.settled, "all members stream from one primary", RECOVERY)
    assert lab.primary() == primary
    assert lost(lab, client) == 0
    client.stop()


@contextmanager
def _standbys_away(lab: Lab) -> Generator[None]:
    """Kill the replicas' servers and freeze Patroni, which would start them again; then let it."""
    found = [process for pod in lab.role("replica") for process in processes(lab, pod)]
    # All stand still first: a server's processes would end with its first one.
    send(signal.SIGSTOP, found)
    servers = named("postgres", found)
    try:
        send(signal.SIGKILL, servers)
        yield
    finally:
        send(signal.SIGCONT, [process for process in found if process not in servers])


def test_rows_in_the_middle_of_anothers_turn_are_counted_and_a_role_that_moves_is_not() -> None:
    def turn(server: str, *moments: float) -> list[Acknowledged]:
        return [Acknowledged(number, moment, server) for number, moment in enumerate(moments)]

    moved = [*turn("a", 0.5, 0.6), *turn("b", 2.0, 2.1), *turn("a", 3.5, 3.6)]
    assert late(moved) == 0
    assert late([*moved, *turn("a", 2.05)]) == 1


def test_the_line_of_figures_is_of_single_faults_and_its_outages_not_of_everyday_changes() -> None:
    results = {
        "switchover": [Result(outage=1.0, acknowledged=10), Result(outage=3.0, acknowledged=10)],
        "lose-the-primarys-node": [Result(outage=21.0, lost=1)],
        "volumes-grow": [Result(outage=0.1, lost=2)],
        "kill-primary-and-replica": [Result(outage=99.0, lost=7)],
    }
    line = figures(results)
    assert line.startswith(
        "outage_median_s=2.00 outage_max_s=3.00 node_loss_max_s=21.00 lost_committed=3 dual_primary=0"
    )
    assert line.endswith("runs=5")
