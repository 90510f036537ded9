"""Finds and ends processes of a sandbox, also after a crash.

Recorded ids alone won't do: after a crash one may have passed on to a stranger, or the process that was to record it
died first. So a process is known by its command line, which names the sandbox's folder.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable

_WAIT_SECONDS = 10


def running(belongs: Callable[[list[str]], bool]) -> list[psutil.Process]:
    """Return the living processes for whose command line `belongs` holds."""
    return [*_found(belongs)]


def commands(belongs: Callable[[list[str]], bool]) -> list[list[str]]:
    """Return their command lines instead, which a process that ends meanwhile can't be asked for any more."""
    return [*_found(belongs).values()]


def _found(belongs: Callable[[list[str]], bool]) -> dict[psutil.Process, list[str]]:
    found: dict[psutil.Process, list[str]] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            command = process.cmdline()
            if command and process.status() != psutil.STATUS_ZOMBIE and belongs(command):
                found[process] = command
    return found


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that was killed and not yet reaped by its parent does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end(belongs: Callable[[list[str]], bool]) -> None:
    """Kill them and those they start meanwhile; they must be such as need no orderly end."""
    while processes := running(belongs):
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=_WAIT_SECONDS)
