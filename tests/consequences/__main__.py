"""Does every edit of the table on a sandbox of its own, prints what was said and seen: ``make verify-consequences``."""

import shutil
import tempfile
from pathlib import Path

from delivery.consequences import Consequence
from sandbox import toolchain
from sandbox.progress import Progress
from tests.consequences.edits import BY_AREA, OF_THE_STACK
from tests.consequences.lab import Lab, Outcome
from tests.consequences.rounds import one_by_one, rounds
from tests.integration.stack.checkout import Checkout


def main() -> int:
    """Print a line for each edit and the figures at the end; return 1 if one was called better than it was."""
    folder = Path(tempfile.mkdtemp(prefix="consequences-"))
    checkout = Checkout(folder / "project")
    outcomes: list[Outcome] = []
    try:
        checkout.sandbox("up")
        lab = Lab(checkout, toolchain.ensure(progress=Progress(quiet=True)))
        for moves in (*rounds(BY_AREA), *one_by_one(OF_THE_STACK)):
            for outcome in lab.run(moves):
                outcomes.append(outcome)
                _print(outcome)
    finally:
        checkout.sandbox("clean", check=False)
        shutil.rmtree(folder)
    return _figures(outcomes)


def _print(outcome: Outcome) -> None:
    said, seen = outcome.said.value, outcome.observed.consequence.value
    if outcome.unverified:
        print(f"   ?   {outcome.name}: said {said}; not verified, as {outcome.unverified}", flush=True)
        return
    mark = "right" if outcome.right else "WRONG"
    why = "; ".join(outcome.observed.seen[:3])
    print(f" {mark} {outcome.name}: said {said}, saw {seen}{f' ({why})' if why else ''}", flush=True)


def _figures(outcomes: list[Outcome]) -> int:
    counted = [outcome for outcome in outcomes if not outcome.unverified]
    harmless = sum(outcome.wrongly_harmless for outcome in counted)
    right = sum(outcome.right for outcome in counted)
    unknown = sum(outcome.said is Consequence.UNKNOWN for outcome in outcomes)
    print(
        f"edits={len(counted)} right={right} called_harmless_but_was_not={harmless} unknown={unknown} "
        f"unverified={len(outcomes) - len(counted)}"
    )
    return int(right != len(counted))


if __name__ == "__main__":
    raise SystemExit(main())
