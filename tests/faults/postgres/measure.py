"""What a fault cost: a client that writes before, during and after it, and what is left of what it was promised."""

import time
from bisect import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.faults.postgres.client_pod import Acknowledged, Client
from tests.faults.postgres.lab import NAME, Lab
from tests.integration.sandbox.kubectl import eventually

# Seconds of undisturbed writing before a fault and after all is well again.
CALM = 2.0
# Seconds without a row that end a server's turn.
PAUSE = 1.0
# Seconds in which everything must have come back.
RECOVERY = 240.0


@dataclass
class Result:
    """The figures of one run."""

    outage: float = 0.0
    """Longest time, in seconds, in which no row of the client was acknowledged."""
    acknowledged: int = 0
    lost: int = 0
    """Acknowledged rows that aren't there afterwards."""
    dual: int = 0
    """Rows that a server acknowledged in the middle of another one's turn."""


def measured(
    lab: Lab, name: str, inject: Callable[[Lab], None], *, on_primary: bool = False, service: str = NAME
) -> Result:
    """Write while the fault is injected and until all is well again, then reckon.

    With ``on_primary``, a second client sits on the primary's own node and keeps to that server: what a partition
    separates from the rest. The first client writes through ``service``.
    """
    eventually(lab.settled, "all members stream from one primary", RECOVERY)
    primary = lab.primary()
    clients = [Client(lab, f"{name}-client", address=lab.get("service", service)["spec"]["clusterIP"])]
    if on_primary:
        spec, status = (lab.get("pod", primary)[key] for key in ("spec", "status"))
        clients.append(Client(lab, f"{name}-inside", node=spec["nodeName"], address=status["podIP"]))
    try:
        for client in clients:
            client.await_writing()
        time.sleep(CALM)
        inject(lab)
        eventually(lab.settled, f"all members stream from one primary after {name}", RECOVERY)
        back = time.monotonic()
        eventually(lambda: clients[0].writes_since(back), "the client writes again", RECOVERY)
        time.sleep(CALM)
        return _reckoned(lab, clients)
    finally:
        for client in clients:
            client.stop()


def _reckoned(lab: Lab, clients: Sequence[Client]) -> Result:
    notes = {client.name: client.notes() for client in clients}
    first = next(iter(notes.values()))
    return Result(
        outage=max(later.moment - earlier.moment for earlier, later in pairwise(first)),
        acknowledged=sum(map(len, notes.values())),
        lost=sum(_lost(lab, name, acknowledged) for name, acknowledged in notes.items()),
        dual=late([note for acknowledged in notes.values() for note in acknowledged]),
    )


def lost(lab: Lab, client: Client) -> int:
    """Return how many rows that the client was acknowledged aren't there now."""
    return _lost(lab, client.name, client.notes())


def _lost(lab: Lab, name: str, acknowledged: Sequence[Acknowledged]) -> int:
    # The name is ours, and has no quotes.
    answer = lab.sql(lab.primary(), f"select number from numbered where client = '{name}'")  # noqa: S608
    there = {int(line) for line in answer.splitlines()}
    return sum(note.number not in there for note in acknowledged)


def late(acknowledged: Sequence[Acknowledged]) -> int:
    """Return how many rows a server acknowledged in the middle of another server's turn."""
    by_server: dict[str, list[float]] = {}
    for note in acknowledged:
        by_server.setdefault(note.server, []).append(note.moment)
    turns = {server: sorted(moments) for server, moments in by_server.items()}
    return sum(
        _inside(note.moment, moments)
        for note in acknowledged
        for server, moments in turns.items()
        if server != note.server
    )


def _inside(moment: float, turn: Sequence[float]) -> bool:
    """Tell whether a moment lies between two others that are of one turn."""
    position = bisect(turn, moment)
    return 0 < position < len(turn) and turn[position] - turn[position - 1] < PAUSE
