"""A full volume of the primary: rows are refused, none is lost, and all is well once there is room."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.faults.postgres.client_pod import Client
from tests.faults.postgres.disk import SmallVolume, primary_on_small_volume
from tests.faults.postgres.lab import NAMESPACE, Lab
from tests.faults.postgres.measure import CALM, RECOVERY, lost
from tests.integration.sandbox.kubectl import eventually

Note = Callable[[str, object], None]

# Seconds in which a client that goes on writing has used up the pages that its table has.
_REFUSED_SECONDS = 60
_BACK_SECONDS = 60
# Seconds in which Patroni has tried a few times to start a server that has no room.
_TRYING_SECONDS = 15


@pytest.fixture(scope="module")
def disk(lab: Lab) -> Iterator[SmallVolume]:
    with primary_on_small_volume(lab) as disk:
        yield disk


@pytest.fixture
def client(lab: Lab, request: pytest.FixtureRequest) -> Iterator[Client]:
    client = Client(lab, f"disk-{abs(hash(request.node.name)) % 10000}")
    client.await_writing()
    time.sleep(CALM)
    yield client
    client.stop()


def test_rows_are_refused_while_it_is_full_and_taken_again_once_there_is_room(
    lab: Lab, disk: SmallVolume, client: Client, record_property: Note
) -> None:
    disk.fill()
    eventually(lambda: not client.writes_since(time.monotonic() - CALM), "rows are refused", _REFUSED_SECONDS)
    # The server is well but for this, and stays primary.
    refused = lab.kubectl.run(*_insert(disk.pod, 100_000))
    assert "No space left on device" in refused.stderr
    assert lab.primary() == disk.pod
    _make_room(disk, client, record_property, "for data")
    assert lost(lab, client) == 0


def test_a_primary_without_room_for_its_log_is_down_until_there_is_room(
    lab: Lab, disk: SmallVolume, client: Client, record_property: Note
) -> None:
    _use_up_log(lab, disk)
    time.sleep(_TRYING_SECONDS)
    # Patroni starts it again and again, and keeps the role.
    assert lab.role("master") == [disk.pod]
    _make_room(disk, client, record_property, "for the log")
    eventually(lab.settled, "all members stream from one primary", RECOVERY)
    assert lost(lab, client) == 0


def test_a_person_lets_a_replica_take_over_from_a_primary_without_room_for_its_log(
    lab: Lab, disk: SmallVolume, client: Client, record_property: Note
) -> None:
    _use_up_log(lab, disk)
    time.sleep(_TRYING_SECONDS)
    started = time.monotonic()

    def another_takes_rows() -> bool:
        # By now Patroni has forgotten who the synchronous standby was: nobody else may lead in the synchronous mode,
        # which the operator sets again whenever it looks.
        lab.configure(lab.role("replica")[0], "synchronous_mode=false", "primary_start_timeout=0")
        return client.writes_since(started)

    try:
        eventually(another_takes_rows, "another takes rows", _BACK_SECONDS)
    finally:
        # For a moment both the new and the old primary can be labelled so.
        lab.configure(lab.role("replica")[0], "synchronous_mode=true", "primary_start_timeout=null")
    record_property("seconds", f"{time.monotonic() - started:6.1f} s  until another takes rows, by hand")
    disk.make_room()
    eventually(lab.settled, "all members stream from one primary", RECOVERY)
    assert lab.primary() != disk.pod
    assert lost(lab, client) == 0


def _make_room(disk: SmallVolume, client: Client, note: Note, what: str) -> None:
    """Make room, wait until rows are taken again, and note how long that took."""
    disk.make_room()
    room = time.monotonic()
    eventually(lambda: client.writes_since(room), "rows are taken again", _BACK_SECONDS)
    note("seconds", f"{time.monotonic() - room:6.1f} s  until rows are taken after room was made {what}")


def _use_up_log(lab: Lab, disk: SmallVolume) -> None:
    """Fill the volume, and write until the server has no room for its log and is down."""
    assert lab.primary() == disk.pod
    disk.fill()
    while lab.sql(disk.pod, "select pg_switch_wal()", check=False):
        lab.kubectl.run(*_insert(disk.pod, 1))


def _insert(pod: str, rows: int) -> tuple[str, ...]:
    insert = f"insert into numbered select 'filler', generate_series(1, {rows})"
    command = ("psql", "-U", "postgres", "-d", "defaultdb", "-Xq", "-c", insert)
    return ("exec", pod, "-n", NAMESPACE, "-c", "postgres", "--", *command)
