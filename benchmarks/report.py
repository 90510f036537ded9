"""The report of a change of 300 resources, against a Python that only starts and reads the preview's JSON.

The resources are those of the prod stack, as often as it takes, each with a changed label and image.
"""

import copy
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.pairs import median_ratio, seconds
from tests.unit.declared import Resource, declare, stack_file

_RESOURCES = 300
_PAIRS = 5


def measure() -> dict[str, float]:
    """Return the ratio, both medians in seconds and the size of the Markdown in characters."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        preview, written = Path(scratch) / "preview.json", Path(scratch) / "report.md"
        preview.write_text(json.dumps({"steps": _steps(), "changeSummary": {"update": _RESOURCES}}))
        files = ["--preview", str(preview), "--markdown", str(written), "--json", f"{scratch}/report.json"]
        ratio, ours, floor = median_ratio(
            lambda: seconds([sys.executable, "-m", "delivery", "report", *files]),
            lambda: seconds([sys.executable, "-c", f"import json; json.load(open({str(preview)!r}))"]),
            _PAIRS,
        )
        return {"report_ratio": ratio, "report_s": ours, "read_s": floor, "report_chars": len(written.read_text())}


def _steps() -> list[dict[str, Any]]:
    objects = list(declare(stack_file("prod"), stack_name="prod").objects())
    return [_step(objects[number % len(objects)], number) for number in range(_RESOURCES)]


def _step(resource: Resource, number: int) -> dict[str, Any]:
    old = copy.deepcopy(dict(resource.inputs))
    new = json.loads(json.dumps(old).replace(":v1", ":v2"))
    new["metadata"]["labels"] = {**old["metadata"].get("labels", {}), "round": str(number)}
    urn = f"{resource.urn}-{number}"
    states = {
        side: {"urn": urn, "custom": True, "type": resource.type, "inputs": inputs, "outputs": inputs}
        for side, inputs in (("oldState", old), ("newState", new))
    }
    return {"op": "update", "urn": urn, **states}
