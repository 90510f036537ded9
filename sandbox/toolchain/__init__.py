"""The sandbox's tools: taken from PATH where the version is right, else built once from pinned Go modules."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.errors import SandboxError
from sandbox.progress import Progress
from sandbox.toolchain import build, go, installed
from sandbox.toolchain.cache import bin_folder, link_or_copy, locked, made_whole
from sandbox.toolchain.tools import (
    ALL_NAMES,
    DEVELOPMENT_TOOLS,
    EVERYWHERE,
    LANGUAGE_HOST_EXEC,
    OPERATOR_TOOLS,
    REAL_NODE_TOOLS,
    REAL_NODES,
    TOOLS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sandbox.toolchain.tools import Tool

__all__ = ["EVERYWHERE", "REAL_NODES", "Toolchain", "ensure"]


@dataclass(frozen=True, slots=True)
class Toolchain:
    """`bin` holds a link to every tool that was asked for; put it on PATH or ask `path` for one tool."""

    bin: Path

    def path(self, name: str) -> Path:
        """Return the tool `name`; asking for one that `ensure` wasn't asked for is an error."""
        program = self.bin / name
        if not program.exists():
            raise SandboxError(f"The toolchain has no {name!r}; it holds {sorted(p.name for p in self.bin.iterdir())}.")
        return program


def ensure(names: Iterable[str] | None = None, progress: Progress | None = None) -> Toolchain:
    """Make sure that the tools `names` (default: those that every sandbox needs) are there and return them.

    A suitable one on PATH is used as it is, then one built earlier; what is left is built one by one, since a Go build
    uses every core by itself. Nothing is built twice, even by two runs at once.
    """
    wanted = set(EVERYWHERE if names is None else names)
    if unknown := wanted - set(ALL_NAMES):
        raise SandboxError(f"No such tool: {', '.join(sorted(unknown))}. The sandbox knows {', '.join(ALL_NAMES)}.")
    found = {name: program for name in wanted if (program := _present(name)) is not None}
    missing = [name for name in ALL_NAMES if name in wanted and name not in found]
    if missing:
        found |= _make(missing, progress or Progress())
    return _linked(found)


def _present(name: str) -> Path | None:
    """Return the tool on PATH, or the cached one, or None."""
    folders = installed.path_folders()
    if name == LANGUAGE_HOST_EXEC:
        return _beside("pulumi", name) or _if_there(build.cached_exec())
    tool = _tool(name)
    on_path = _beside(tool.companion, name) if tool.companion else installed.find(tool, folders)
    return on_path or _if_there(build.cached(tool))


def _beside(companion: str, name: str) -> Path | None:
    """Return the program `name` from the folder where a suitable `companion` lies on PATH."""
    program = installed.find(_tool(companion), installed.path_folders())
    return _if_there(program.parent / name) if program else None


def _make(missing: list[str], progress: Progress) -> dict[str, Path]:
    go_program = go.find_go(progress)
    made: dict[str, Path] = {}
    for remaining, name in zip(range(len(missing) - 1, -1, -1), missing, strict=True):
        if name == LANGUAGE_HOST_EXEC:
            made[name] = build.fetch_exec(go_program, progress)
        else:
            made[name] = build.build(_tool(name), go_program, progress, remaining)
    return made


def _linked(found: dict[str, Path]) -> Toolchain:
    """Return a folder of links to exactly these programs; the same set gives the same folder.

    Pulumi's programs look for each other beside their own files, and so can't be symbolic links.
    """
    listing = "\n".join(f"{name} {program}" for name, program in sorted(found.items()))
    folder = bin_folder() / hashlib.sha256(listing.encode()).hexdigest()[:12]
    with locked(f"links-{folder.name}"):
        if not folder.exists():
            with made_whole(folder) as scratch:
                for name, program in found.items():
                    if name.startswith("pulumi"):
                        link_or_copy(program.resolve(), scratch / name)
                    else:
                        (scratch / name).symlink_to(program)
    return Toolchain(folder)


def _tool(name: str) -> Tool:
    every = (*TOOLS, *REAL_NODE_TOOLS, *DEVELOPMENT_TOOLS, *OPERATOR_TOOLS)
    return next(tool for tool in every if tool.name == name)


def _if_there(program: Path) -> Path | None:
    return program if program.exists() else None
