"""Where the fault list's cases register."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.faults.controllers.kills import Tally
from tests.faults.controllers.lab import Lab

Run = Callable[[Lab], Awaitable[Tally | None]]


@dataclass(frozen=True)
class Disturbance:
    """One fault, for every controller; it fails by raising. Only a run that kills returns a tally."""

    name: str
    run: Run
    alone: bool
    """Whether it disturbs the control plane, so that no other case may run meanwhile."""


REGISTERED: list[Disturbance] = []


def disturbance(*, alone: bool = False) -> Callable[[Run], Run]:
    """Register a function; its name is the case's."""

    def register(run: Run) -> Run:
        REGISTERED.append(Disturbance(getattr(run, "__name__").replace("_", " "), run, alone))  # noqa: B009  for types
        return run

    return register
