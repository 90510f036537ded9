"""Many stacks at a time, by the real engine."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from delivery.errors import DeliveryError
from delivery.fleet import roll_out
from sandbox.toolchain import Toolchain

ROOT = Path(__file__).parents[3]
# Each notes when it ran, and the one called broken fails. So many wait for each other, on however slow a machine.
PROGRAM = """\
import os
import time
from pathlib import Path
import pulumi

started = time.monotonic()
Path(f"started-{pulumi.get_stack()}").touch()
while len(list(Path().glob("started-*"))) < int(os.environ["TOGETHER"]):
    if time.monotonic() - started > 60:
        raise RuntimeError("alone")
    time.sleep(0.1)
if pulumi.get_stack() == "broken":
    raise RuntimeError("no such cluster")
with open("ran", "a") as ran:
    print(pulumi.get_stack(), started, time.monotonic(), file=ran)
"""
Run = subprocess.CompletedProcess[str]


class Fleet:
    """A project with some stacks, each without resources."""

    def __init__(self, folder: Path, toolchain: Toolchain) -> None:
        self._folder = folder
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")},
            "PATH": f"{Path(sys.executable).parent}:{toolchain.bin}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder}",
            "PULUMI_CONFIG_PASSPHRASE": "fleet",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        (folder / "Pulumi.yaml").write_text("name: fleet\nruntime: python\n")
        (folder / "__main__.py").write_text(PROGRAM)
        for stack in ("prod-eu", "prod-us", "prod-ap", "broken"):
            self._run("pulumi", "stack", "init", stack).check_returncode()

    def up_all(self, at_once: int, *stacks: str) -> Run:
        self._environment["TOGETHER"] = str(at_once)
        return self._run(sys.executable, "-m", "delivery", "up-all", "--at-once", str(at_once), *stacks)

    def ran(self) -> list[tuple[str, float, float]]:
        lines = [line.split() for line in (self._folder / "ran").read_text().splitlines()]
        return [(stack, float(started), float(ended)) for stack, started, ended in lines]

    def _run(self, *command: str) -> Run:
        return subprocess.run(
            command, cwd=self._folder, env=self._environment, capture_output=True, text=True, check=False, timeout=120
        )


@pytest.fixture
def fleet(toolchain: Toolchain, tmp_path: Path) -> Fleet:
    return Fleet(tmp_path, toolchain)


def test_so_many_stacks_are_updated_at_a_time_and_no_more(fleet: Fleet) -> None:
    done = fleet.up_all(2, "prod-eu", "prod-us", "prod-ap")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-3:] == ["prod-eu: updated", "prod-us: updated", "prod-ap: updated"]
    assert "prod-ap | Updating (prod-ap):" in done.stdout
    (_, _, first), (_, _, second), (last, start, _) = fleet.ran()
    assert last == "prod-ap"
    assert start > min(first, second)


def test_after_a_failure_no_other_stack_is_started(fleet: Fleet) -> None:
    done = fleet.up_all(1, "prod-eu", "broken", "prod-us")
    assert done.returncode == 1
    last = ["prod-eu: updated", "broken: failed", "prod-us: not started, since another one failed"]
    assert done.stdout.splitlines()[-3:] == last
    assert "no such cluster" in done.stdout
    assert [stack for stack, _, _ in fleet.ran()] == ["prod-eu"]


@pytest.mark.parametrize(
    ("stacks", "at_once", "said"),
    [
        (["prod-eu"], 0, "--at-once 0: allowed is 1 or more."),
        (["prod-eu", "prod-us", "prod-eu"], 2, "Named twice: prod-eu."),
    ],
)
def test_a_call_that_makes_no_sense_is_refused(stacks: list[str], at_once: int, said: str) -> None:
    with pytest.raises(DeliveryError, match=f"^{re.escape(said)}$"):
        roll_out(stacks, at_once)
