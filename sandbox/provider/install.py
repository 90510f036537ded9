"""Puts the stand-ins where the Pulumi engine looks for plugins."""

from __future__ import annotations

import os
import shlex
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

import sandbox.provider

_PLUGINS: Final = ("kubernetes", "random")


def install(pulumi_home: Path) -> None:
    """Write the stand-ins into a Pulumi home folder, at the versions of the SDKs that are installed here.

    An official plugin that is there already stays. The stand-ins run with the interpreter and from the checkout that
    call this, whoever installed them before.
    """
    checkout = Path(next(iter(sandbox.provider.__path__))).parents[1]
    for name in _PLUGINS:
        sdk = version(f"pulumi-{name}")
        folder = pulumi_home / "plugins" / f"resource-{name}-v{sdk}"
        program = folder / f"pulumi-resource-{name}"
        module = f"sandbox.provider.{name}"
        if program.exists() and not is_stand_in(program):
            continue
        folder.mkdir(parents=True, exist_ok=True)
        environment = f"PYTHONPATH={shlex.quote(str(checkout))} PYTHONSAFEPATH=1"
        command = f'{environment} exec {shlex.quote(sys.executable)} -m {module} {sdk} "$@"'
        _write_program(program, f"#!/bin/sh\n{command}\n")


def is_stand_in(program: Path) -> bool:
    """Tell whether a plugin's program is one that `install` wrote."""
    return b"sandbox.provider." in program.read_bytes()


def _write_program(path: Path, content: str) -> None:
    """Write the program in one move: another engine may be about to start it."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_text(content, encoding="utf-8")
    fresh.chmod(0o755)
    fresh.replace(path)
