"""Builds one tool from its Go module into the cache."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
from collections import deque
from typing import TYPE_CHECKING

from sandbox.errors import SandboxError
from sandbox.toolchain import go
from sandbox.toolchain.cache import cache_folder, locked, made_whole
from sandbox.toolchain.tools import EXEC_SOURCE, LANGUAGE_HOST_EXEC, MODULES, TOOLS

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.progress import Progress, Step
    from sandbox.toolchain.tools import Tool

_LAST_LINES = 15


def cached(tool: Tool) -> Path:
    """Return where the built `tool` is kept: the place changes with its version, its pinned sources and its flags."""
    pins = [file.read_bytes() for file in sorted(tool.folder.iterdir())]
    return _place(tool.name, tool.version, tool.package, tool.linker_flags, *pins)


def cached_exec() -> Path:
    """Return where the language host's script is kept."""
    version = next(tool.version for tool in TOOLS if tool.name == "pulumi")
    return _place(LANGUAGE_HOST_EXEC, version, (MODULES / "pulumi" / "go.sum").read_bytes())


def _place(name: str, version: str, *inputs: str | bytes) -> Path:
    digest = hashlib.sha256()
    for part in (platform.system(), platform.machine(), *inputs):
        digest.update(part.encode() if isinstance(part, str) else part)
        digest.update(b"\0")
    return cache_folder() / "tools" / f"{name}-{version}-{digest.hexdigest()[:12]}" / name


def build(tool: Tool, go_program: Path, progress: Progress, remaining: int) -> Path:
    """Build `tool` unless it is cached and return the program. Two runs at once build it once."""
    program = cached(tool)
    title = f"{tool.name} {tool.version}: building from source" + (f", {remaining} more to go" if remaining else "")
    with locked(program.parent.name, lambda: progress.note(f"{tool.name} is being built by another run, waiting")):
        if not program.exists():
            with progress.step(title) as step, made_whole(program.parent) as scratch:
                command = [str(go_program), "build", "-v", "-mod=readonly", "-trimpath", "-buildvcs=false"]
                command += ["-ldflags", tool.linker_flags, "-o", str(scratch / tool.name), tool.package]
                _run(tool, command, step)
    return program


def fetch_exec(go_program: Path, progress: Progress) -> Path:
    """Copy the language host's script out of Go's module cache unless it is cached, and return it."""
    program = cached_exec()
    tool = next(tool for tool in TOOLS if tool.name == "pulumi")
    module, path = EXEC_SOURCE
    with locked(program.parent.name):
        if not program.exists():
            with (
                progress.step(f"{LANGUAGE_HOST_EXEC}: taking it from {module}") as step,
                made_whole(program.parent) as scratch,
            ):
                _run(tool, [str(go_program), "mod", "download", module], step)
                folder = _module_folder(tool, go_program, module)
                shutil.copyfile(f"{folder}/{path}", scratch / LANGUAGE_HOST_EXEC)
                (scratch / LANGUAGE_HOST_EXEC).chmod(0o755)
    return program


def _module_folder(tool: Tool, go_program: Path, module: str) -> str:
    command = [go_program, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", module]
    answer = subprocess.run(command, cwd=tool.folder, env=go.environment(), capture_output=True, text=True, check=True)
    return answer.stdout.strip()


def _run(tool: Tool, command: list[str], step: Step) -> None:
    """Run a Go command in the tool's module folder; its lines are progress, and the last ones explain a failure."""
    last: deque[str] = deque(maxlen=_LAST_LINES)
    packages = 0
    with subprocess.Popen(
        command,
        cwd=tool.folder,
        env=go.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        try:
            for line in process.stdout or ():
                last.append(line.rstrip())
                packages += 1
                step.detail(f"{packages} packages compiled")
        except BaseException:
            process.terminate()
            raise
        code = process.wait()
    if code:
        raise SandboxError(_explain(tool, command, code, last))


def _explain(tool: Tool, command: list[str], code: int, last: deque[str]) -> str:
    shown = "\n".join(f"    {line}" for line in last)
    return (
        f"Building {tool.name} {tool.version} failed (exit code {code}).\n"
        f"  command: {' '.join(command)}\n  in: {tool.folder}\n  its last lines:\n{shown}\n"
        "  What helps: if a module could not be downloaded, set GOPROXY to a module proxy that you can reach; if the\n"
        "  disk is full, free 6 GB or point GOCACHE and PLATFORM_CACHE elsewhere; or put this version of the tool on\n"
        "  PATH, which is then used as it is. Run the same command again: what is already built is kept."
    )
