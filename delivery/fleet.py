"""Rolls many stacks out, some at a time: a stack a cluster."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TYPE_CHECKING

from delivery.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Sequence


def roll_out(stacks: Sequence[str], at_once: int) -> int:
    """Update the stacks in the order given, at most ``at_once`` at a time; return 1 if one failed.

    Every line of an update is printed behind its stack's name. After a failure those that run go on to their end, and
    no other is started: what breaks one cluster mustn't reach the next.

    Raises:
        DeliveryError: a stack is named twice, or ``at_once`` is less than 1.

    """
    if at_once < 1:
        raise DeliveryError(f"--at-once {at_once}: allowed is 1 or more.")
    if twice := sorted({stack for stack in stacks if stacks.count(stack) > 1}):
        raise DeliveryError(f"Named twice: {', '.join(twice)}.")
    failed = Event()

    def update(stack: str) -> str:
        if failed.is_set():
            return "not started, since another one failed"
        command = ["pulumi", "up", "--stack", stack, "--yes", "--skip-preview", "--refresh", "--non-interactive"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            for line in process.stdout or ():
                print(f"{stack} | {line}", end="", flush=True)
        if process.returncode:
            failed.set()
            return "failed"
        return "updated"

    with ThreadPoolExecutor(at_once) as pool:
        outcomes = list(pool.map(update, stacks))
    print("\n".join(f"{stack}: {outcome}" for stack, outcome in zip(stacks, outcomes, strict=True)))
    return int(failed.is_set())
