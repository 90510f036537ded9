"""Finds and ends the processes of one control plane, also after a crash."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import psutil

from sandbox.cluster.kwokctl import work_folder

if TYPE_CHECKING:
    from pathlib import Path

_WAIT_SECONDS = 10


def running(folder: Path) -> list[psutil.Process]:
    """Return the living processes of the control plane in `folder`.

    Recorded ids alone won't do: after a crash one may have passed on to a stranger, or kwokctl may have died before it
    wrote one. But each component runs under a path inside the folder, which no other process does.
    """
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.status() != psutil.STATUS_ZOMBIE and _belongs(process.cmdline(), folder):
                found.append(process)
    return found


def _belongs(command: list[str], folder: Path) -> bool:
    if not command:
        return False
    if command[0].startswith(f"{work_folder(folder) / 'bin'}/"):
        return True
    # A kwokctl that outlived an interrupted start would go on to start components.
    return command[0].endswith("/kwokctl") and str(folder / "kwokctl.yaml") in command


def end(folder: Path) -> None:
    """End all of them at once; their data goes too, so there is nothing to close in good order."""
    while processes := running(folder):
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=_WAIT_SECONDS)
