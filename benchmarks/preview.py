"""A preview without change of the whole dev stack, against one of as many bare ConfigMaps as it has resources.

Same engine, same plugins, same cluster; the difference is what our program and our objects cost.
"""

import json
import shutil
import tempfile
from pathlib import Path

from benchmarks.pairs import median_ratio, seconds
from tests.integration.stack.checkout import Checkout

_PAIRS = 7
_FLOOR_PROGRAM = """
import pulumi
import pulumi_kubernetes as kubernetes

provider = kubernetes.Provider("cluster", context="sandbox", enable_server_side_apply=True)
for number in range({count}):
    kubernetes.core.v1.ConfigMap(
        f"map-{{number}}",
        metadata={{"name": f"map-{{number}}", "namespace": "default"}},
        data={{"key": "value"}},
        opts=pulumi.ResourceOptions(provider=provider),
    )
"""


def measure() -> dict[str, float]:
    """Return the ratio, both medians in seconds and the number of resources."""
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    ours = Checkout(folder / "project")
    try:
        ours.sandbox("up")
        count = _resources(ours)
        floor = _floor_project(folder / "floor", count, ours)
        command = ["pulumi", "preview", "--non-interactive", "--expect-no-changes"]
        ratio, our_seconds, floor_seconds = median_ratio(
            lambda: seconds(command, folder=ours.folder, environment=ours.environment),
            lambda: seconds(command, folder=folder / "floor", environment=floor),
            _PAIRS,
        )
    finally:
        ours.sandbox("clean", check=False)
        shutil.rmtree(folder)
    return {"preview_ratio": ratio, "preview_s": our_seconds, "floor_s": floor_seconds, "resources": count}


def _resources(checkout: Checkout) -> int:
    state = json.loads(checkout.pulumi("stack", "export").stdout)
    # The stack itself and the floor's provider are in both.
    return len(state["deployment"]["resources"]) - 2


def _floor_project(folder: Path, count: int, checkout: Checkout) -> dict[str, str]:
    """Roll out the bare ConfigMaps and return the environment that their project runs in."""
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: floor\nruntime: python\n")
    (folder / "__main__.py").write_text(_FLOOR_PROGRAM.format(count=count))
    environment = {**checkout.environment, "PULUMI_STACK": "floor"}
    for command in (["stack", "init", "floor"], ["up", "--yes", "--skip-preview"]):
        seconds(["pulumi", "--non-interactive", *command], folder=folder, environment=environment)
    return environment
