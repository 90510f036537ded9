"""What the workflows run, run here: their shell steps and the programs behind them."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from delivery.__main__ import command_line
from tests.unit.declared import ROOT
from workflows.sticky_comment import put_comment
from workflows.touched import touched_stacks

WORKFLOWS = sorted((ROOT / ".github").rglob("*.yml"))
PINNED = re.compile(r"uses: (\./\S+|[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+)$")


def steps(workflow: str) -> Iterator[dict[str, Any]]:
    for job in yaml.safe_load((ROOT / ".github/workflows" / workflow).read_text())["jobs"].values():
        yield from job["steps"]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_every_action_is_pinned_by_its_commit(file: Path) -> None:
    used = [line.strip().removeprefix("- ") for line in file.read_text().splitlines() if "uses:" in line]
    assert used
    assert [line for line in used if not PINNED.fullmatch(line)] == []


def test_every_call_of_delivery_is_one_that_it_takes() -> None:
    texts = [file.read_text().replace("\\\n", " ") for file in (*WORKFLOWS, ROOT / ".github/scripts/deploy.sh")]
    calls = [call for text in texts for call in re.findall(r"-m delivery (.*)", text)]
    assert {call.split()[0] for call in calls} == {"report", "check", "up", "drift"}
    for call in calls:
        command_line().parse_args(shlex.split(call))


@pytest.mark.parametrize("file", [file for file in WORKFLOWS if file.parent.name == "workflows"], ids=lambda f: f.name)
def test_a_workflow_has_least_rights_and_no_stranger_gets_a_secret(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    # `on` is a boolean to YAML 1.1. A target's workflow would run a stranger's code with our secrets.
    assert "pull_request_target" not in workflow[True]
    for name, job in workflow["jobs"].items():
        assert job["timeout-minutes"] <= 60, name
        assert "secrets." not in json.dumps(job) or "environment" in job, name
        for step in job["steps"]:
            # What somebody else chose, such as a branch's name, reaches a shell by its environment only.
            assert "${{" not in step.get("run", ""), step
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False, name


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with the stack files and one commit."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    for name in (
        "Pulumi.yaml",
        "Pulumi.dev.yaml",
        "Pulumi.staging.yaml",
        "Pulumi.prod.yaml",
        "components/a.py",
        "README.md",
    ):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("first\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return tmp_path


@pytest.mark.parametrize(
    ("edited", "stacks"),
    [
        (["README.md", "Pulumi.dev.yaml"], []),
        (["Pulumi.prod.yaml"], ["prod"]),
        (["Pulumi.staging.yaml", "README.md"], ["staging"]),
        (["components/a.py"], ["prod", "staging"]),
        (["Pulumi.yaml"], ["prod", "staging"]),
    ],
)
def test_a_change_touches_the_environments_whose_outcome_it_decides(
    edited: list[str], stacks: list[str], project: Path
) -> None:
    base = git(project, "rev-parse", "HEAD")
    for name in edited:
        (project / name).write_text("second\n")
    git(project, "commit", "--quiet", "-am", "second")
    assert touched_stacks(project, base) == stacks


def test_a_file_that_was_moved_away_touches_too_and_what_main_did_meanwhile_does_not(project: Path) -> None:
    git(project, "switch", "--quiet", "-c", "branch")
    git(project, "mv", "components/a.py", "a.py")
    git(project, "commit", "--quiet", "-m", "move")
    assert touched_stacks(project, "main") == ["prod", "staging"]
    git(project, "switch", "--quiet", "main")
    git(project, "switch", "--quiet", "-c", "other")
    git(project, "switch", "--quiet", "main")
    (project / "Pulumi.prod.yaml").write_text("on main\n")
    git(project, "commit", "--quiet", "-am", "on main")
    git(project, "switch", "--quiet", "other")
    assert touched_stacks(project, "main") == []


def test_the_step_that_looks_for_touched_environments_hands_them_on(project: Path, tmp_path: Path) -> None:
    base = git(project, "rev-parse", "HEAD")
    (project / "Pulumi.prod.yaml").write_text("second\n")
    git(project, "commit", "--quiet", "-am", "second")
    (step,) = [step for step in steps("preview.yml") if step.get("id") == "touched"]
    output = tmp_path / "output"
    environment = {**os.environ, "BASE": base, "GITHUB_OUTPUT": str(output), "PYTHONPATH": str(ROOT)}
    subprocess.run(["bash", "-eo", "pipefail", "-c", step["run"]], cwd=project, env=environment, check=True)
    assert output.read_text() == 'stacks=["prod"]\n'


class _Comments(BaseHTTPRequestHandler):
    """The part of GitHub's API for comments, as its documentation describes it."""

    server: "_Api"  # pyright: ignore[reportIncompatibleVariableOverride] - the only server that it serves

    def do_GET(self) -> None:
        page = int(self.path.partition("page=")[2].partition("page=")[2] or 1)
        self._answer(self.server.comments[100 * (page - 1) : 100 * page])

    def do_POST(self) -> None:
        assert self.path == "/repos/acme/platform/issues/7/comments"
        self.server.comments.append({"id": len(self.server.comments), "user": BOT, **self._sent()})
        self._answer(self.server.comments[-1])

    def do_PATCH(self) -> None:
        comment = self.server.comments[int(self.path.rpartition("/")[2])]
        comment.update(self._sent())
        self._answer(comment)

    def _sent(self) -> dict[str, Any]:
        assert self.headers["Authorization"] == "Bearer t0ken"
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, content: object) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


class _Api(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Comments)
        self.comments: list[dict[str, Any]] = []


BOT = {"login": "github-actions[bot]"}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Api]:
    server = _Api()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/platform")
    monkeypatch.setenv("GITHUB_TOKEN", "t0ken")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_second_report_takes_the_place_of_the_first_of_its_environment(api: _Api) -> None:
    put_comment(7, "staging", "one")
    put_comment(7, "prod", "two")
    put_comment(7, "staging", "three")
    assert [comment["body"].splitlines()[-1] for comment in api.comments] == ["three", "two"]


def test_nobody_elses_comment_is_overwritten_and_our_own_is_found_on_any_page(api: _Api) -> None:
    forged = "<!-- platform: prod -->\nforged"
    api.comments = [{"id": number, "user": {"login": "someone"}, "body": forged} for number in range(150)]
    put_comment(7, "prod", "one")
    put_comment(7, "prod", "two")
    assert [comment["body"] for comment in api.comments[150:]] == ["<!-- platform: prod -->\ntwo"]
    assert {comment["body"] for comment in api.comments[:150]} == {forged}


def test_a_command_gets_the_clusters_file_and_not_the_secret_itself(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    script = 'env > "$SEEN"; cat "$KUBECONFIG" >> "$SEEN"; stat -c %a "$KUBECONFIG" >> "$SEEN"; exit 3'
    environment = {**os.environ, "KUBECONFIG_CONTENT": "clusters: []", "SEEN": str(seen)}
    command = [sys.executable, "-m", "workflows", "with-cluster", "--", "bash", "-c", script]
    assert subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 3
    assert "KUBECONFIG_CONTENT" not in seen.read_text()
    assert seen.read_text().endswith("clusters: []600\n")
    (file,) = re.findall(r"^KUBECONFIG=(.*)$", seen.read_text(), re.MULTILINE)
    assert not Path(file).exists()


@pytest.mark.parametrize(("refused", "ran"), [("none", ["report", "check", "up"]), ("check", ["report", "check"])])
def test_a_deployment_updates_only_what_the_guard_let_through(refused: str, ran: list[str], tmp_path: Path) -> None:
    # In place of the interpreter, a script that notes what it is asked to run.
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(
        '#!/bin/sh\necho "$3" >> ran\n[ "$3" != report ] || { echo shown > "$5"; echo {} > "$7"; }\n'
        '[ "$3" != "$REFUSED" ]\n'
    )
    python.chmod(0o755)
    environment = {**os.environ, "REFUSED": refused, "BASE": "0" * 40, "PULUMI_STACK": "prod"}
    environment["GITHUB_STEP_SUMMARY"] = str(tmp_path / "summary")
    done = subprocess.run([ROOT / ".github/scripts/deploy.sh"], cwd=tmp_path, env=environment, check=False)
    assert (done.returncode == 0) == (refused == "none")
    assert (tmp_path / "ran").read_text().split() == ran
    assert (tmp_path / "summary").read_text() == "shown\n"
