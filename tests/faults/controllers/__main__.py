"""Runs the fault suite of the controllers: ``python -m tests.faults.controllers``."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sandbox import cluster as control_plane
from sandbox import toolchain as tools
from sandbox.toolchain.crds import GATEWAY_API, ensure_crds
from tests.faults.controllers.suite import Outcome, cases, run_all


def main() -> int:
    """Run every case that matches, print a table and one line of figures; return 1 when a case failed."""
    parser = argparse.ArgumentParser(description="Kills and disturbs the controllers; the end state must be the same.")
    parser.add_argument("--only", default="", help="run the cases whose name contains this")
    parser.add_argument("--leave-out", default="\n", help="but not those whose name contains this")
    parser.add_argument("--short", action="store_true", help="kill before the answer to each write, not also after it")
    parser.add_argument("--kubeconfig", type=Path, help="use this control plane, which may be disturbed at will")
    options = parser.parse_args()
    chosen = [
        case
        for case in cases(thorough=not options.short)
        if options.only in case.id and options.leave_out not in case.id
    ]
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        outcomes = _run(chosen, Path(folder), options.kubeconfig)
    Console(width=160).print(_table(outcomes))
    failed = [outcome for outcome in outcomes if outcome.tally.failures]
    figures = {
        "scenarios": len(outcomes),
        "kills": sum(outcome.tally.kills for outcome in outcomes),
        "equal_end_states": sum(outcome.tally.equal for outcome in outcomes),
        "failed": len(failed),
    }
    print(" ".join(f"{key}={value}" for key, value in figures.items()))
    return int(bool(failed))


def _run(chosen, folder, kubeconfig):
    if kubeconfig:
        return asyncio.run(run_all(chosen, kubeconfig, folder, _report))
    toolchain = tools.ensure()
    try:
        cluster = control_plane.start(folder / "cluster", toolchain, crds=ensure_crds((GATEWAY_API,)))
        return asyncio.run(run_all(chosen, cluster.kubeconfig, folder, _report))
    finally:
        control_plane.stop(folder / "cluster", toolchain)


def _report(outcome: Outcome) -> None:
    tally = outcome.tally
    print(f"{'FAILED' if tally.failures else 'ok':6} {outcome.seconds:6.1f} s  {outcome.case.id}", file=sys.stderr)
    for failure in tally.failures:
        print(failure, file=sys.stderr)


def _table(outcomes: list[Outcome]) -> Table:
    table = Table("controller", "scenario", "writes", "kills", "equal end states", "failed", "seconds")
    for outcome in sorted(outcomes, key=lambda each: each.case.id):
        tally = outcome.tally
        figures = (tally.writes, tally.kills, tally.equal, len(tally.failures))
        table.add_row(
            outcome.case.subject.name,
            outcome.case.name,
            *(str(figure) for figure in figures),
            f"{outcome.seconds:.1f}",
        )
    return table


if __name__ == "__main__":
    raise SystemExit(main())
