"""Finds tools of the right version on PATH."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.toolchain.cache import bin_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.toolchain.tools import Tool

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_ASK_SECONDS = 20
# More than the two lines of a shim.
_SHIM_BYTES = 4096


def find(tool: Tool, folders: Iterable[Path]) -> Path | None:
    """Return the first program of that name whose version will do, or None; an unsuitable one hides no other."""
    for folder in folders:
        program = folder / tool.name
        if os.access(program, os.X_OK) and program.is_file() and not _is_shim(program) and _will_do(tool, program):
            return program.absolute()
    return None


def path_folders() -> list[Path]:
    """Return the folders of PATH in order, but for our own links: a sandbox's shell has those on PATH."""
    folders = [Path(entry) for entry in os.environ.get("PATH", "").split(os.pathsep) if entry]
    return [folder for folder in folders if bin_folder() not in folder.parents]


def _is_shim(program: Path) -> bool:
    """Tell whether this is a sandbox's own `pulumi`, as in its shell: taken for the real one, it would call itself."""
    with program.open("rb") as file:
        return b"/sandbox/shim.py" in file.read(_SHIM_BYTES)


def _will_do(tool: Tool, program: Path) -> bool:
    if not tool.ask:
        return True
    found = version_of(program, tool.ask)
    wanted = parse(tool.version)
    if found is None or wanted is None or found[0] != wanted[0]:
        return False
    return found[1] == wanted[1] or (tool.newer and found[1] > wanted[1])


def version_of(program: Path, ask: tuple[str, ...]) -> tuple[int, int, int] | None:
    """Run `program` with `ask` and return the version it prints, or None if it prints none."""
    try:
        answer = subprocess.run(
            [program, *ask],
            capture_output=True,
            text=True,
            timeout=_ASK_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse(answer.stdout)


def parse(text: str) -> tuple[int, int, int] | None:
    """Return the first version in `text`, such as (1, 36, 3), or None."""
    match = _VERSION.search(text)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None
