"""The folder outside the checkout that keeps what was built, for every checkout of this user."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


def cache_folder() -> Path:
    """Return `$PLATFORM_CACHE`, else `platform` in the user's cache folder."""
    if chosen := os.environ.get("PLATFORM_CACHE"):
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "platform"


def bin_folder() -> Path:
    """Return the folder that holds one folder for each set of tools in use."""
    return cache_folder() / "bin"


@contextmanager
def locked(name: str, when_busy: Callable[[], None] = lambda: None) -> Generator[None]:
    """Hold the machine-wide lock `name`; `when_busy` is called once if another process holds it."""
    folder = cache_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        when_busy()
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def made_whole(target: Path) -> Generator[Path]:
    """Give a scratch folder that becomes `target` only if the block ends well; the caller holds the lock.

    An interrupted attempt leaves nothing under `target`'s name, and what it left is cleared by the next one.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{target.name}."
    for stale in target.parent.glob(f"{prefix}*"):
        shutil.rmtree(stale, ignore_errors=True)
    scratch = target.parent / f"{prefix}{uuid4().hex}"
    scratch.mkdir(mode=0o755)
    try:
        yield scratch
        scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """Hard-link a file, since tools and plugins are large; copy it where that is impossible."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
