"""Takes files out of publishers' Go modules into the cache, so that none is copied into the project."""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.errors import SandboxError
from sandbox.toolchain import go
from sandbox.toolchain.cache import cache_folder, locked, made_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sandbox.progress import Progress


@dataclass(frozen=True, slots=True)
class Publisher:
    """A Go module, the checksum its content must have (as in a go.sum), and where the wanted files lie."""

    module: str
    version: str
    sum: str
    files: tuple[str, ...]


def collected(
    kind: str, publishers: Sequence[Publisher], take: Callable[[Path, Publisher, Path], object], progress: Progress
) -> Path:
    """Return a folder with the publishers' files of one kind, fetched once.

    `take` puts one file of a publisher into the folder. Raises SandboxError when a module can't be had, has another
    checksum, or lacks a file.
    """
    folder = cache_folder() / kind / hashlib.sha256(repr(publishers).encode()).hexdigest()[:12]
    with locked(f"{kind}-{folder.name}"):
        if not folder.exists():
            go_program = go.find_go(progress)
            with progress.step(f"Publishers' {kind}: taking them from Go modules"), made_whole(folder) as scratch:
                for publisher in publishers:
                    for file in _files(publisher, _download(publisher, go_program)):
                        take(file, publisher, scratch)
    return folder


def _files(publisher: Publisher, source: Path) -> list[Path]:
    found: list[Path] = []
    for pattern in publisher.files:
        files = sorted(source.glob(pattern))
        if not files:
            raise SandboxError(f"{publisher.module} {publisher.version} holds no file {pattern}.")
        found += files
    return found


def _download(publisher: Publisher, go_program: Path) -> Path:
    """Return the folder of the module in Go's module cache, once its checksum is the pinned one."""
    name = f"{publisher.module}@{publisher.version}"
    command = [go_program, "mod", "download", "-json", name]
    run = subprocess.run(command, cwd=cache_folder(), env=go.environment(), capture_output=True, text=True, check=False)
    answer: dict[str, str] = json.loads(run.stdout or "{}")
    if run.returncode:
        reason = answer.get("Error") or run.stderr.strip()
        raise SandboxError(f"`{' '.join(map(str, command))}` failed: {reason}\nSet GOPROXY to a proxy you can reach.")
    if answer["Sum"] != publisher.sum:
        raise SandboxError(f"{name} has the checksum {answer['Sum']}, but {publisher.sum} is pinned.")
    return Path(answer["Dir"])
