"""``python -m tests.faults.redis --runs N``: every fault N times, a table, and one line of figures.

Needs root: pods are processes on hosts of their own in network namespaces, and disks that fill are file systems in
memory, seen by this process only.
"""

import argparse
import os
import signal
import statistics
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults.redis.faults import FAULTS, Fault
from tests.faults.redis.measure import Result, Trial
from tests.faults.redis.pods import eventually
from tests.faults.redis.stateful_set import StatefulSet

_APART = "REDIS_FAULTS_APART"
_COLUMNS = ("runs", "outage median", "worst", "lost, WAIT", "lost", "wrong side", "within", "dual", "down")


def run(fault: Fault, redis: StatefulSet, folder: Path) -> Result:
    """Return what one run of a fault cost; the folder's name must be new to these pods."""
    eventually(redis.settled, 90, "all pods are ready and known to every Sentinel")
    redis.mark_lived()
    result = Result()
    with Trial(redis, folder).load(result):
        fault.inject(redis)
    return result


def run_alone(fault: Fault, runs: int, folder: Path) -> list[Result]:
    """Run a fault on pods of its own, so that it doesn't suffer from the ones before."""
    with StatefulSet(folder) as redis:
        if fault.prepare:
            fault.prepare(redis)
        redis.start()
        return [run(fault, redis, folder / f"run-{turn}") for turn in range(runs)]


def run_all(faults: Sequence[Fault], runs: int, at_once: int, folder: Path) -> dict[Fault, list[Result]]:
    """Run the faults, so many of them at once, each in networks of its own; one that can't be measured is left out."""
    results: dict[Fault, list[Result]] = {}
    with ThreadPoolExecutor(at_once) as pool:
        started = [pool.submit(run_alone, fault, runs, folder / f"{number}") for number, fault in enumerate(faults)]
        try:
            for fault, done in zip(faults, started, strict=True):
                if (error := done.exception()) is None:
                    results[fault] = done.result()
                print(f"{fault.name:32}failed: {error}" if error else row(fault.name, done.result()), flush=True)
        finally:
            # Interrupted, only those that run are waited for.
            pool.shutdown(cancel_futures=True)
    return results


def row(name: str, results: Sequence[Result]) -> str:
    """Return one line of the table: outages in seconds, the rest summed over the runs."""
    outages = [result.outage for result in results]

    def total(figure: str) -> str:
        return str(sum(getattr(result, figure) for result in results))

    cells = (
        f"{len(results)}",
        f"{statistics.median(outages):.2f} s",
        f"{max(outages):.2f} s",
        *map(total, ("lost_with_wait", "lost_without_wait", "lost_on_wrong_side")),
        f"{max(result.lost_seconds for result in results):.1f} s",
        *map(total, ("dual_primary_writes", "crashloops")),
    )
    return f"{name:32}" + "".join(f"{cell:>14}" for cell in cells)


def figures(results: dict[Fault, list[Result]]) -> str:
    """Return the last line: what the guide promises, measured."""
    unplanned = [r.outage for fault, rs in results.items() if not fault.planned and fault.single for r in rs]
    planned = [r.outage for fault, rs in results.items() if fault.planned for r in rs]
    single = [r for fault, rs in results.items() if fault.single for r in rs]
    every = [r for rs in results.values() for r in rs]
    values = {
        "outage_median_s": f"{statistics.median(unplanned):.2f}" if unplanned else "none",
        "outage_max_s": f"{max(unplanned):.2f}" if unplanned else "none",
        "planned_outage_max_s": f"{max(planned):.2f}" if planned else "none",
        "lost_with_wait": sum(r.lost_with_wait for r in single),
        "lost_without_wait": sum(r.lost_without_wait for r in single),
        "dual_primary_writes": sum(r.dual_primary_writes for r in every),
        "crashloops": sum(r.crashloops for r in every),
        "runs": len(every),
    }
    return " ".join(f"{key}={value}" for key, value in values.items())


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what faults cost the clients of Redis.")
    parser.add_argument("--runs", type=int, default=10, help="runs of each fault, by default 10")
    parser.add_argument("--at-once", type=int, default=3, help="faults at once, each on pods of its own")
    parser.add_argument("--fault", action="append", choices=sorted(FAULTS), help="only this one; may be repeated")
    options = parser.parse_args()
    if os.getuid() != 0:
        sys.exit("network namespaces need root")
    if _APART not in os.environ:
        # Mounts of the file systems that fill are for this process and its children only.
        os.environ[_APART] = "1"
        os.execvp("unshare", ["unshare", "--mount", sys.executable, "-m", "tests.faults.redis", *sys.argv[1:]])  # noqa: S606 - ours
    # Ended by a signal, it still ends its pods.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    print(f"load of the machine before: {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores")
    print(f"{'fault':32}" + "".join(f"{column:>14}" for column in _COLUMNS), flush=True)
    with TemporaryDirectory(prefix="redis-faults-") as folder:
        faults = [FAULTS[name] for name in options.fault or FAULTS]
        results = run_all(faults, options.runs, options.at_once, Path(folder))
    print(figures(results))
    if len(results) < len(faults):
        sys.exit("not every fault could be measured")


if __name__ == "__main__":
    main()
