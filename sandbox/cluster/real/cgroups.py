"""The sandbox's control groups, which hold its pods and nothing else.

They are the only things of a sandbox that the kernel doesn't remove with its processes.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path("/sys/fs/cgroup")
_EMPTY_SECONDS = 10
# What kubelet and runc can't do without, and what they use where the kernel has it.
_NEEDED = ("cpu", "cpuset", "memory", "pids")
_USED = (*_NEEDED, "io", "hugetlb")


def is_unified() -> bool:
    """Tell whether this machine has version 2: one hierarchy for all controllers."""
    return (ROOT / "cgroup.controllers").exists()


def hierarchies() -> list[Path]:
    """Return the root of every hierarchy, none on other systems; links to those of two controllers are left out."""
    if is_unified():
        return [ROOT]
    if not ROOT.is_dir():
        return []
    return sorted(path for path in ROOT.iterdir() if path.is_dir() and not path.is_symlink())


def lacking() -> str | None:
    """Return what of control groups this machine lacks, or None."""
    if not ROOT.is_dir():
        return f"control groups at {ROOT}"
    root = ROOT / "cgroup.controllers"
    offered = root.read_text().split() if is_unified() else [path.name for path in ROOT.iterdir()]
    if missing := [name for name in _NEEDED if name not in offered]:
        return f"the control group controllers {', '.join(missing)}"
    read_only = [str(path) for path in hierarchies() if os.statvfs(path).f_flag & os.ST_RDONLY]
    return f"control groups that can be written to; read-only are {', '.join(read_only)}" if read_only else None


def create(name: str) -> None:
    """Create the control group `name`, parents included, ready to hold kubelet's."""
    for hierarchy in hierarchies():
        group = hierarchy / name
        group.mkdir(parents=True, exist_ok=True)
        for level in reversed([group, *group.relative_to(hierarchy).parents]):
            _open_up(hierarchy / level)


def _open_up(group: Path) -> None:
    """Let children of `group` have what it has; version 1 asks for that with processors and memory only."""
    subtree = group / "cgroup.subtree_control"
    if is_unified():
        offered = (group / "cgroup.controllers").read_text().split()
        for name in set(_USED) & set(offered) - set(subtree.read_text().split()):
            _write(subtree, f"+{name}")
        return
    for file in ("cpuset.cpus", "cpuset.mems"):
        if (group / file).exists() and not (group / file).read_text().strip():
            _write(group / file, (group.parent / file).read_text())


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text)
    except OSError as error:
        raise SandboxError(f"The kernel refuses {text.strip()!r} in {file}: {error.strerror}.") from error


def remove(name: str) -> None:
    """Remove the control group `name` and all below it; its processes must have been killed."""
    deadline = time.monotonic() + _EMPTY_SECONDS
    for hierarchy in hierarchies():
        for group in _deepest_first(hierarchy / name):
            _remove(group, deadline)


def _remove(group: Path, deadline: float) -> None:
    while True:
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            # What was killed leaves its group a little later.
            if time.monotonic() > deadline:
                raise SandboxError(f"The control group {group} can't be removed: {error.strerror}.") from error
            time.sleep(0.05)
        else:
            return


def _deepest_first(group: Path) -> Iterator[Path]:
    if group.exists():
        for child in group.iterdir():
            if child.is_dir():
                yield from _deepest_first(child)
        yield group


def processes_of(name: str, leaf: str) -> list[int]:
    """Return the ids, as the machine has them, of the processes in the group called `leaf` somewhere below `name`."""
    hierarchy = ROOT if is_unified() else ROOT / "pids"
    ids: list[int] = []
    for group in (hierarchy / name).rglob(leaf):
        for file in [group / "cgroup.procs", *group.rglob("*/cgroup.procs")]:
            ids += map(int, file.read_text().split())
    return ids
