"""The policy pack, as `pulumi preview` and `pulumi up` take it in a sandbox.

The language host that can be had as a Go module is older than the engine and starts the program in a pack's place. So
the engine is given the pack under a runtime of its own, for which it looks for an analyzer plugin.
"""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.stack import Stack

_RUNTIME = "sandbox-python"
# What a stack is held to whose environment has no levels of its own.
_STRICTEST = "prod"


def place(stack: Stack) -> list[str]:
    """Put the pack in place and return the options that hold `stack` to it at its environment's levels.

    The environment is the stack's name up to the first '-', as in prod-eu.
    """
    pack = stack.folder.project / "policies"
    home = stack.folder.root / "policies"
    home.mkdir(mode=0o700, exist_ok=True)
    project = (pack / "PulumiPolicy.yaml").read_text().replace("runtime: python", f"runtime: {_RUNTIME}")
    (home / "PulumiPolicy.yaml").write_text(project)
    name = f"policy-{_RUNTIME}"
    # Of any version: there is no other.
    plugin = stack.folder.pulumi_home / "plugins" / f"analyzer-{name}-v1.0.0" / f"pulumi-analyzer-{name}"
    plugin.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-u", "-m", "pulumi.policy"]
    plugin.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$1" {shlex.quote(str(pack))}\n')
    plugin.chmod(0o755)
    levels = pack / "environments" / f"{stack.name.partition('-')[0]}.json"
    if not levels.exists():
        levels = levels.with_stem(_STRICTEST)
    return [f"--policy-pack={home}", f"--policy-pack-config={levels}"]
