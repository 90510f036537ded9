"""Measures the Website controller at scale: ``python -m benchmarks.controllers --n 10000``."""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.controllers import sides
from benchmarks.controllers.controller import Controller
from benchmarks.controllers.phases import Phase, bursts, paced, paced_count, print_phases
from benchmarks.controllers.readiness import make_ready
from benchmarks.controllers.stage import open_stage
from tests.faults.controllers.api import administrator
from tests.faults.controllers.subjects import PROJECT, WEBSITE

if TYPE_CHECKING:
    from benchmarks.controllers.stage import Stage

RATES = (5.0, 20.0, 50.0)
# The rate whose ratios have bounds, and how many Websites are there then.
RATE, PRESENT = 20.0, 1000


# What must hold.
BOUNDS = {
    "p50_ratio": "at most 3",
    "p99_ratio": "at most 10",
    "burst_ratio": "at least 0.6",
    "restart_s": "at most 90",
    "rss_mb": "at most 250",
    "writes_at_rest": "at most 0",
    "writes_per_website": "at most 5",
}


def main() -> int:
    """Print the figures; return 1 when one is beyond its bound."""
    parser = argparse.ArgumentParser(description="Measures the Website controller against a script.")
    parser.add_argument("--n", type=int, default=10_000, help="Websites to reach")
    parser.add_argument("--namespaces", type=int, default=10)
    parser.add_argument("--rest", type=float, default=300.0, help="seconds in which nothing may be written")
    parser.add_argument("--seconds", type=float, default=20.0, help="seconds of each rate, on each side")
    parser.add_argument("--workers", type=int, default=4, help="Websites at a time; the script does as many")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, open_stage(Path(folder), options.namespaces) as stage:
        figures = Bench(stage, options).run()
    for name, figure in figures.items():
        print(f"{name:>20} {figure:10.2f}" + (f"  ({BOUNDS[name]})" if name in BOUNDS else ""))
    print(" ".join(f"{name}={figures[name]:.2f}" for name in BOUNDS))
    return int(not all(_holds(figures[name], bound) for name, bound in BOUNDS.items()))


def _holds(figure: float, bound: str) -> bool:
    _, which, limit = bound.split()
    return figure >= float(limit) if which == "least" else figure <= float(limit)


class Bench:
    """One run on one control plane."""

    def __init__(self, stage: Stage, options: argparse.Namespace) -> None:
        self._stage = stage
        self._options = options
        self._seen = stage.folder / "seen"
        self._phases: list[Phase] = []
        self._figures: dict[str, float] = {}

    def run(self) -> dict[str, float]:
        """Measure everything."""
        command = [sys.executable, "-m", "benchmarks.controllers.watcher", self._stage.sandbox.kubeconfig, self._seen]
        watcher = subprocess.Popen(command, cwd=PROJECT)
        controller = Controller(self._stage, self._options.workers)
        try:
            self._creating(controller)
            self._figures["cpu_s"], first_peak = controller.cpu_seconds, controller.peak_megabytes
            controller.stop()
            controller = Controller(self._stage, self._options.workers)
            self._resting(controller)
            self._figures["rss_mb"] = max(first_peak, controller.peak_megabytes)
        finally:
            controller.stop()
            watcher.terminate()
            watcher.wait()
        return self._figures

    def _creating(self, controller: Controller) -> None:
        options, workers = self._options, self._options.workers
        controller.wait_until_caught_up(0)
        children = asyncio.run(self._sample())
        stage = self._stage
        ours = sides.Side(stage, "site", stage.namespaces, [sides.website_template()], "", workers)
        floor = sides.Side(stage, "bare", stage.floor_namespaces, children, "script", workers)
        present = min(PRESENT, options.n // 2)
        floor_burst, our_burst = bursts((floor, ours), present, self._seen)
        self._figures |= {"floor_burst_per_s": floor_burst, "burst_per_s": our_burst}
        self._figures["burst_ratio"] = our_burst / floor_burst
        self._at(present, ours, floor)
        at_rate = next(phase for phase in self._phases if phase.name == f"{RATE:g}/s")
        self._figures |= {"p50_ratio": at_rate.ratio(0.5), "p99_ratio": at_rate.ratio(0.99)}
        last = sum(paced_count(rate, options.seconds) for rate in RATES)
        if (rest := options.n - self._count() - last) > 0:
            (self._figures["growth_per_s"],) = bursts((ours,), rest, self._seen)
        self._at(self._count(), ours, floor)
        asyncio.run(self._make_ready())
        writes, _ = stage.writes("controller")
        self._figures["websites"] = self._count()
        self._figures["writes_per_website"] = writes / self._count()

    def _at(self, present: int, ours: sides.Side, floor: sides.Side) -> None:
        phases = [paced(ours, floor, rate, self._options.seconds, present=present, seen=self._seen) for rate in RATES]
        print_phases(phases)
        self._phases += phases

    def _resting(self, controller: Controller) -> None:
        _, end = self._stage.writes("controller")
        self._figures["restart_s"] = controller.wait_until_caught_up(self._count())
        self._figures["writes_at_restart"], end = self._stage.writes("controller", end)
        time.sleep(self._options.rest)
        writes, _ = self._stage.writes("controller", end)
        # What the restart wrote was written at rest, too: nothing had changed.
        self._figures["writes_at_rest"] = writes + self._figures["writes_at_restart"]

    async def _sample(self) -> list[sides.Template]:
        async with administrator(self._stage.cluster) as api:
            return await sides.sample(api, self._stage)

    async def _make_ready(self) -> None:
        async with administrator(self._stage.cluster) as api:
            await make_ready(api, self._stage.namespaces)

    def _count(self) -> int:
        async def count() -> int:
            async with administrator(self._stage.cluster) as api:
                listed = [await api.list(WEBSITE.resource, namespace) for namespace in self._stage.namespaces]
                return sum(len(each) for each in listed)

        return asyncio.run(count())


if __name__ == "__main__":
    raise SystemExit(main())
