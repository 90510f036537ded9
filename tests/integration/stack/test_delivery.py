"""Report, guarded update and drift on the rolled-out stack."""

import base64
import json
import subprocess
import sys
from pathlib import Path

from delivery.consequences import Consequence
from sandbox.toolchain import Toolchain
from tests.consequences.edits import SHORT
from tests.consequences.lab import Lab
from tests.consequences.rounds import rounds
from tests.integration.stack.checkout import Checkout


def delivery(stack: Checkout, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "delivery", *arguments],
        cwd=stack.folder,
        env=stack.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_what_the_report_says_of_ten_edits_is_what_happens(stack: Checkout, toolchain: Toolchain) -> None:
    lab = Lab(stack, toolchain)
    outcomes = [outcome for moves in rounds(SHORT) for outcome in lab.run(moves)]
    assert len(outcomes) == 10
    wrong = [(o.name, o.said.value, o.observed.consequence.value, o.observed.seen) for o in outcomes if not o.right]
    assert wrong == []
    said = {outcome.said for outcome in outcomes}
    assert said == {Consequence.NONE, Consequence.ROLLING, Consequence.DOWNTIME, Consequence.DATA_LOSS}


def test_an_update_does_what_was_reviewed_and_drift_is_seen_named_and_put_back(stack: Checkout, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    stack.edit(lambda sections: sections["redis"].update(instances=5, passwordVersion=2))
    assert delivery(stack, "report", "--json", str(report), "--markdown", str(tmp_path / "report.md")).returncode == 0

    stack.kubectl("set", "image", "statefulset", "redis-sfs", "-n", "redis", "redis=example.com/by-hand:1")
    drifted = delivery(stack, "drift")
    assert drifted.returncode == 1
    assert "example.com/by-hand:1" in drifted.stdout
    assert "kubectl-set (Update), 20" in drifted.stdout

    refused = delivery(stack, "up", "--reviewed", str(report))
    assert refused.returncode == 1
    assert "nothing was changed" in refused.stderr
    assert "spec.template.spec.containers[redis].image" in refused.stderr
    servers = stack.get("statefulset", "redis-sfs", "redis")["spec"]
    assert (servers["replicas"], servers["template"]["spec"]["containers"][0]["image"]) == (3, "example.com/by-hand:1")

    stack.kubectl("rollout", "undo", "statefulset/redis-sfs", "-n", "redis")
    before = password(stack)
    updated = delivery(stack, "up", "--reviewed", str(report))
    assert updated.returncode == 0, updated.stdout + updated.stderr
    assert stack.get("statefulset", "redis-sfs", "redis")["spec"]["replicas"] == 5
    assert password(stack) != before
    assert "No drift" in delivery(stack, "drift").stdout


def test_a_repair_puts_back_what_drifted(rolled_out: Checkout) -> None:
    rolled_out.kubectl("delete", "poddisruptionbudget", "redis-sfs", "-n", "redis")
    assert "Somebody deleted it." in delivery(rolled_out, "drift").stdout
    assert delivery(rolled_out, "repair").returncode == 0
    assert rolled_out.exists("poddisruptionbudget", "redis-sfs", "redis")


def test_no_secret_is_in_a_report_a_plan_a_drift_or_a_message(stack: Checkout, tmp_path: Path) -> None:
    known = password(stack)
    stack.kubectl("patch", "secret", "redis-sfs", "-n", "redis", "-p", '{"stringData":{"password":"set-by-hand-1"}}')
    stack.edit(lambda sections: sections["redis"].update(passwordVersion=7))
    plan = tmp_path / "plan.json"
    preview = tmp_path / "preview.json"
    preview.write_text(stack.pulumi("preview", "--json", "--refresh", "--save-plan", str(plan)).stdout)
    files = [preview, plan, *(tmp_path / name for name in ("report.json", "report.md", "drift.json"))]
    shown = [
        delivery(stack, "report", "--preview", str(preview), "--json", str(files[2]), "--markdown", str(files[3])),
        delivery(stack, "drift", "--json", str(files[4])),
    ]
    texts = [file.read_bytes() for file in files] + [(each.stdout + each.stderr).encode() for each in shown]
    assert all(file.stat().st_size for file in files)
    assert json.loads(files[4].read_text())[0]["fields"][0]["found"] == "[secret]"
    needles = [
        each for secret in (known, "set-by-hand-1") for each in (secret.encode(), base64.b64encode(secret.encode()))
    ]
    assert [needle for needle in needles if any(needle in text for text in texts)] == []


def password(stack: Checkout) -> str:
    return base64.b64decode(stack.get("secret", "redis-sfs", "redis")["data"]["password"]).decode()
