"""Finds a sandbox's machine and nodes among the processes, and runs commands inside them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from sandbox import processes
from sandbox.cluster.real import init, layout
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import psutil

# A namespace of each kind; /proc shows the processes of the new PID namespace, whose first one dies with `unshare`.
UNSHARE = ("unshare", "--pid", "--net", "--mount", "--fork", "--kill-child", "--mount-proc")
SPECIFICATION = "init.json"
_INIT = "/sandbox/cluster/real/init.py"


def init_command(folder: Path) -> list[str]:
    """Return the command of process 1 for the machine or node whose files lie in `folder`."""
    return [sys.executable, "-I", init.__file__, str(folder / SPECIFICATION)]


def belongs_to(cluster: Path) -> Callable[[list[str]], bool]:
    """Return what tells from a command line whether it holds a namespace of the sandbox in `cluster`."""

    def belongs(command: list[str]) -> bool:
        return any(word.endswith(_INIT) for word in command) and command[-1].startswith(f"{cluster}/")

    return belongs


def first_process(folder: Path) -> psutil.Process | None:
    """Return process 1 of the machine or node whose files lie in `folder`, or None."""
    # Neither by the program's whole path, since another checkout's copy of it may have started this one; nor by the
    # last words alone, which `unshare` has too: that one is outside of the PID namespace it made.
    specification = str(folder / SPECIFICATION)

    def is_first(command: list[str]) -> bool:
        return command[1:-2] == ["-I"] and command[-2].endswith(_INIT) and command[-1] == specification

    return next(iter(processes.running(is_first)), None)


def enter(cluster: Path) -> tuple[str, ...]:
    """Return what to put before a command to run it on the machine that holds the control plane."""
    found = first_process(layout.machine(cluster))
    if found is None:
        raise SandboxError("The machine that holds the control plane does not run.")
    return ("nsenter", f"--target={found.pid}", "--pid", "--mount", "--net", "--")


def run_inside(cluster: Path, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run a command on the machine that holds the control plane."""
    return subprocess.run(
        [*enter(cluster), *command], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
