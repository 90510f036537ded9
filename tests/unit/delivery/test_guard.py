"""The guard: what needs an approval, and which approval counts."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery.__main__ import main
from delivery.document import document
from delivery.preview import read
from tests.unit.delivery.previews import an_object, preview, step

BASE = "a" * 40
GONE = step("delete", an_object("v1/Namespace", name="redis"), None)
SCALED = step(
    "update", an_object("apps/v1/StatefulSet", {"replicas": 3}), an_object("apps/v1/StatefulSet", {"replicas": 2})
)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return tmp_path / "report.json"


def check(report: Path, *steps: dict[str, Any], approvals: Any = None, base: str = BASE) -> int:
    report.write_text(json.dumps(document(read(preview(*steps)))))
    file = report.with_name("approvals.yaml")
    if approvals is not None:
        file.write_text(yaml.safe_dump(approvals))
    return main(["check", "--report", str(report), "--approvals", str(file), "--base", base])


def approving(urn: str, consequence: str) -> dict[str, Any]:
    one = {
        "urn": urn,
        "consequence": consequence,
        "reason": "a backup was tried yesterday",
        "approvedBy": "ada",
    }
    return {"version": "platform/approvals/v1", "baseCommit": BASE, "approvals": [one]}


def test_data_loss_is_refused_and_named(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(report, GONE, SCALED) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"Not approved: data loss of {GONE['urn']}")


def test_what_restarts_but_loses_nothing_passes(report: Path) -> None:
    assert check(report, SCALED) == 0


@pytest.mark.parametrize(
    ("code", "kind", "field"),
    [
        (1, "apps/v1/StatefulSet", "serviceName"),
        (1, "example.com/v1/Unheard", "a"),
        (0, "apps/v1/Deployment", "selector"),
    ],
)
def test_a_replacement_is_refused_only_of_what_may_hold_state(report: Path, code: int, kind: str, field: str) -> None:
    old, new = (an_object(kind, {field: value}) for value in ("1", "2"))
    assert check(report, step("replace", old, new, replaceReasons=[f"spec.{field}"])) == code


def test_an_unknown_field_is_refused_only_of_what_may_hold_state(report: Path) -> None:
    for kind, code in (("apps/v1/StatefulSet", 1), ("apps/v1/Deployment", 0)):
        old, new = (an_object(kind, {"novelty": value}) for value in ("1", "2"))
        assert check(report, step("update", old, new)) == code


def test_an_approval_of_the_resource_on_the_base_commit_lets_it_pass(report: Path) -> None:
    assert check(report, GONE, approvals=approving(GONE["urn"], "data loss")) == 0


def test_an_approval_of_something_less_does_not_count(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(report, GONE, approvals=approving(GONE["urn"], "replacement")) == 1
    assert "Approved was replacement, it is data loss" in capsys.readouterr().out


def test_an_approval_of_another_base_commit_does_not_count(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(report, GONE, approvals=approving(GONE["urn"], "data loss"), base="b" * 40) == 1
    assert "this change starts from bbbb" in capsys.readouterr().out


def test_what_an_earlier_pull_request_approved_stands_in_nobodys_way(report: Path) -> None:
    assert check(report, SCALED, approvals=approving(GONE["urn"], "data loss"), base="b" * 40) == 0


def test_an_approval_that_nothing_needs_is_refused(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(report, SCALED, approvals=approving(SCALED["urn"], "data loss")) == 1
    assert "Nothing needs the approval" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("spoilt", "named"),
    [
        ({"urn": "all"}, "approvals.0.urn"),
        ({"consequence": "downtime"}, "approvals.0.consequence"),
        ({"reason": "ok"}, "approvals.0.reason"),
        ({"until": "2030"}, "approvals.0.until"),
    ],
)
def test_a_wrong_file_is_refused_and_its_key_named(
    report: Path, capsys: pytest.CaptureFixture[str], spoilt: dict[str, str], named: str
) -> None:
    approvals = approving(GONE["urn"], "data loss")
    approvals["approvals"][0].update(spoilt)
    assert check(report, GONE, approvals=approvals) == 1
    assert named in capsys.readouterr().err


def test_a_resource_approved_twice_is_refused(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twice = approving(GONE["urn"], "data loss")
    assert check(report, GONE, approvals={**twice, "approvals": twice["approvals"] * 2}) == 1
    assert "approves twice" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "[]", '{"version": "platform/report/v9"}'])
def test_what_is_no_report_is_refused(report: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    report.write_text(text)
    assert main(["check", "--report", str(report), "--approvals", "none.yaml", "--base", BASE]) == 1
    assert "report" in capsys.readouterr().err
