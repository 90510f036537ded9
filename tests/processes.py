"""Looks at processes any of which may end at that moment."""

import contextlib
import signal
from collections.abc import Iterable

import psutil


def living(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Return those that run; one that was killed and not yet reaped by its parent does not."""
    return [each for each in processes if _status(each) not in (None, psutil.STATUS_ZOMBIE)]


def named(name: str, processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Return those of this name; one that has ended has none."""
    found: list[psutil.Process] = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.name() == name:
                found.append(process)
    return found


def of(pids: Iterable[int]) -> list[psutil.Process]:
    """Return the processes of these ids, without those that have ended."""
    found: list[psutil.Process] = []
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(pid))
    return found


def send(number: signal.Signals, processes: Iterable[psutil.Process]) -> None:
    """Send a signal to those that still run."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _status(process: psutil.Process) -> str | None:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() if process.is_running() else None
    return None
