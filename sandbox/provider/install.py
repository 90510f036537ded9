"""Puts the stand-ins where the Pulumi engine looks for plugins."""

from __future__ import annotations

import shlex
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

import sandbox.provider

_PLUGINS: Final = ("kubernetes", "random")


def install(pulumi_home: Path) -> None:
    """Write the stand-ins into a Pulumi home folder, at the versions of the SDKs that are installed here.

    A plugin that is there already, such as the official one, stays as it is. The stand-ins run with the interpreter
    and from the checkout that call this.
    """
    checkout = Path(next(iter(sandbox.provider.__path__))).parents[1]
    for name in _PLUGINS:
        folder = pulumi_home / "plugins" / f"resource-{name}-v{version(f'pulumi-{name}')}"
        program = folder / f"pulumi-resource-{name}"
        if program.exists():
            continue
        folder.mkdir(parents=True, exist_ok=True)
        environment = f"PYTHONPATH={shlex.quote(str(checkout))} PYTHONSAFEPATH=1"
        command = f'{environment} exec {shlex.quote(sys.executable)} -m sandbox.provider.{name} "$@"'
        program.write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
        program.chmod(0o755)
