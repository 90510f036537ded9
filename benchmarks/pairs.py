"""Timing in pairs: two commands in turn, so that a machine that slows down slows both."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path


def seconds(
    command: Sequence[str], *, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> float:
    """Return the wall-clock seconds of one run; raises CalledProcessError when it fails."""
    start = time.perf_counter()
    subprocess.run(
        command, cwd=folder, env={**os.environ, **(environment or {})}, check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - start


def median_ratio(ours: Callable[[], float], floor: Callable[[], float], pairs: int) -> tuple[float, float, float]:
    """Return the median of ours / floor over so many pairs, and both medians in seconds; one pair warms up first."""
    ours()
    floor()
    measured = [(ours(), floor()) for _ in range(pairs)]
    ratio = statistics.median(a / b for a, b in measured)
    return ratio, statistics.median(a for a, _ in measured), statistics.median(b for _, b in measured)
