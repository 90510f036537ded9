"""One measurement: the same load on both sides in turn, so that a machine that slows down slows both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from benchmarks.controllers.sides import Side

_TURNS = 4


@dataclass(frozen=True)
class Phase:
    """Seconds from the creation of a Website, or of its children by the script, to the Deployment's being seen."""

    name: str
    present: int
    ours: Sequence[float]
    floor: Sequence[float]

    def ratio(self, share: float) -> float:
        """Return how many times longer ours takes than the floor, at this percentile (0.5, 0.99)."""
        return percentile(self.ours, share) / percentile(self.floor, share)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of all does not exceed."""
    return sorted(values)[math.ceil(share * len(values)) - 1]


def paced_count(rate: float, seconds: float) -> int:
    """Return how many `paced` creates on each side."""
    return _TURNS * math.ceil(rate * seconds / _TURNS)


def paced(ours: Side, floor: Side, rate: float, seconds: float, *, present: int, seen: Path) -> Phase:
    """Create at a fixed rate for so many seconds on each side, ``present`` Websites being there."""
    count = paced_count(rate, seconds) // _TURNS
    our_times: list[float] = []
    floor_times: list[float] = []
    for _ in range(_TURNS):
        floor_times += _latencies(floor.create(count, rate, seen))
        our_times += _latencies(ours.create(count, rate, seen))
    return Phase(f"{rate:g}/s", present, our_times, floor_times)


def bursts(sides: Sequence[Side], count: int, seen: Path) -> list[float]:
    """Create so many on each side as fast as it goes, and return how many Deployments a second each side reached.

    In turns here, too: what the API server does for an object takes longer the more of them it has. It counts all
    cluster IPs for each that it gives out.
    """
    seconds = [0.0] * len(sides)
    share = math.ceil(count / _TURNS)
    for _ in range(_TURNS):
        for number, side in enumerate(sides):
            times = side.create(share, None, seen)
            seconds[number] += max(end for _, end in times.values()) - min(start for start, _ in times.values())
    return [share * _TURNS / each for each in seconds]


def print_phases(phases: Sequence[Phase]) -> None:
    """Print a table in milliseconds."""
    titles = ("load", "present", "samples", *("p50", "floor", "ratio"), *("p99", "floor", "ratio"))
    print(" ".join(f"{title:>8}" for title in titles))
    for phase in phases:
        row = f"{phase.name:>8} {phase.present:>8} {len(phase.ours):>8}"
        for share in (0.5, 0.99):
            ours, floor = percentile(phase.ours, share) * 1000, percentile(phase.floor, share) * 1000
            row += f" {ours:8.1f} {floor:8.1f} {ours / floor:8.2f}"
        print(row, flush=True)


def _latencies(times: Mapping[str, tuple[float, float]]) -> list[float]:
    return [end - start for start, end in times.values()]
