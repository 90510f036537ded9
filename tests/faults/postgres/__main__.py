"""``python -m tests.faults.postgres --runs N``: every fault N times, a table, and one line of figures.

Needs root on Linux: six real nodes with the real operator and real pods. About half an hour for 10 runs of all.
"""

import argparse
import os
import signal
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sandbox.cluster import real
from tests.faults.postgres.changes import OPERATOR_BEFORE
from tests.faults.postgres.faults import FAULTS, Fault
from tests.faults.postgres.lab import NODES_TO_GROW, Lab, prod_patroni, started
from tests.faults.postgres.measure import Result, measured

NODE_LOSS = ("lose-the-primarys-node", "cut-the-primary-off")
_COLUMNS = ("runs", "outage median", "worst", "acknowledged", "lost", "dual")


def run(lab: Lab, fault: Fault, turn: int) -> Result:
    """Return what one run of a fault cost."""
    return measured(lab, f"{fault.key.lower()}-{turn}", fault.inject, on_primary=fault.inside)


def row(name: str, results: Sequence[Result]) -> str:
    """Return one line of the table: outages in seconds, the rest summed over the runs."""
    outages = [result.outage for result in results]
    cells = (
        f"{len(results)}",
        f"{statistics.median(outages):.2f} s",
        f"{max(outages):.2f} s",
        *(str(sum(getattr(result, figure) for result in results)) for figure in ("acknowledged", "lost", "dual")),
    )
    return f"{name:34}" + "".join(f"{cell:>14}" for cell in cells)


def figures(results: Mapping[str, Sequence[Result]]) -> str:
    """Return the last line: what the guide promises, measured; of single faults, but for ``runs``.

    Everyday changes, and faults that last as long as they are made to, count where rows may be lost, not in the seconds
    of outages.
    """
    single = {key: found for key, found in results.items() if FAULTS[key].single}
    apart = {*NODE_LOSS, *(key for key in single if FAULTS[key].everyday or FAULTS[key].lasting)}
    outages = [result.outage for key, found in single.items() if key not in apart for result in found]
    losses = [result.outage for key in NODE_LOSS for result in single.get(key, ())]
    every = [result for found in single.values() for result in found]
    values = {
        "outage_median_s": f"{statistics.median(outages):.2f}" if outages else "none",
        "outage_max_s": f"{max(outages):.2f}" if outages else "none",
        "node_loss_max_s": f"{max(losses):.2f}" if losses else "none",
        "lost_committed": sum(result.lost for result in every),
        "dual_primary": sum(result.dual for result in every),
        "runs": sum(map(len, results.values())),
    }
    return " ".join(f"{key}={value}" for key, value in values.items())


def run_all(lab: Lab, keys: Sequence[str], runs: int) -> dict[str, list[Result]]:
    """Run the faults one after the other on the same pods, which a fault must leave well."""
    results: dict[str, list[Result]] = {}
    for key in keys:
        results[key] = [run(lab, FAULTS[key], turn) for turn in range(runs)]
        print(row(FAULTS[key].name, results[key]), flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what faults cost the clients of PostgreSQL.")
    parser.add_argument("--runs", type=int, default=1, help="runs of each fault")
    parser.add_argument("--fault", action="append", choices=sorted(FAULTS), help="only this one; may be repeated")
    parser.add_argument("--patroni", action="append", default=[], metavar="KEY=VALUE", help="other than in prod")
    options = parser.parse_args()
    if lack := real.missing():
        sys.exit(lack)
    # Ended by a signal, it still ends its nodes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    patroni: dict[str, Any] = prod_patroni()
    for pair in options.patroni:
        key, _, value = pair.partition("=")
        patroni[key] = {"true": True, "false": False}.get(value) if value in {"true", "false"} else int(value)
    print(f"load of the machine before: {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores; patroni: {patroni}")
    print(f"{'fault':34}" + "".join(f"{column:>14}" for column in _COLUMNS), flush=True)
    with (
        TemporaryDirectory(prefix="postgres-faults-") as folder,
        started(Path(folder), patroni, nodes=NODES_TO_GROW, images=[OPERATOR_BEFORE]) as lab,
    ):
        results = run_all(lab, options.fault or list(FAULTS), options.runs)
    print(figures(results))


if __name__ == "__main__":
    main()
