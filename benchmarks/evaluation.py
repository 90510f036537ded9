"""Evaluating the whole dev stack under mocks, against importing the same modules and doing nothing."""

import sys

from benchmarks.pairs import median_ratio, seconds

_IMPORTS = "from tests.unit.declared import declare, stack_file"
_PAIRS = 9


def measure() -> dict[str, float]:
    """Return the ratio and both medians in seconds."""
    ratio, ours, floor = median_ratio(
        lambda: seconds([sys.executable, "-c", f"{_IMPORTS}; declare(stack_file('dev'))"]),
        lambda: seconds([sys.executable, "-c", _IMPORTS]),
        _PAIRS,
    )
    return {"evaluation_ratio": ratio, "evaluation_s": ours, "imports_s": floor}
