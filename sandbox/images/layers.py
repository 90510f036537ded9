"""Packs Debian packages and additions into one layer; the same input gives the same bytes."""

from __future__ import annotations

import subprocess
import tarfile
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# Every file's time; any fixed one will do. 2026-01-01T00:00:00Z.
SOURCE_DATE_EPOCH = 1767225600
# Debian 12 has the system's folders below /usr only, but packages still ship files in the old places.
_MERGED = ("bin", "lib", "lib64", "sbin")
# What only people, installers and an init system read. Licences stay.
_LEFT_OUT = (
    "etc/cron.*",
    "etc/default",
    "etc/init.d",
    "etc/logrotate.d",
    "etc/ufw",
    "usr/lib/*/gconv",
    "usr/lib/*/perl-base",
    "usr/lib/postgresql/*/lib/bitcode",
    "usr/lib/postgresql/*/lib/llvmjit*",
    "usr/lib/systemd",
    "usr/lib/udev",
    "usr/share/bash-completion",
    "usr/share/bug",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/perl5",
)
_DOCUMENTATION, _LICENCE = "usr/share/doc/", "/copyright"


def pack(layer: Path, packages: Iterable[Path], additions: Path) -> None:
    """Write the file `layer`: all of `packages` (.deb files), and over them what lies in the folder `additions`."""
    added = {path.relative_to(additions).as_posix(): path for path in sorted(additions.rglob("*"))}
    files = {name for name, path in added.items() if path.is_symlink() or not path.is_dir()}
    with tarfile.open(layer, "w", format=tarfile.PAX_FORMAT) as out:
        seen = set(files)
        for package in packages:
            _copy(package, out, seen)
        for name, path in added.items():
            if name in files or name not in seen:
                _add(out, name, path)


def _copy(package: Path, out: tarfile.TarFile, seen: set[str]) -> None:
    """Copy the wanted members of a package; `seen` are the names that are there or will be, and grows."""
    with (
        subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE) as unpacking,
        tarfile.open(fileobj=unpacking.stdout, mode="r|") as members,
    ):
        for member in _wanted(members, seen):
            out.addfile(member, members.extractfile(member) if member.isreg() else None)
    if unpacking.returncode:
        raise SandboxError(f"dpkg-deb could not unpack {package} (exit code {unpacking.returncode}).")


def _wanted(members: tarfile.TarFile, seen: set[str]) -> Iterator[tarfile.TarInfo]:
    for member in members:
        member.name = _place(member.name)
        if member.islnk():
            member.linkname = _place(member.linkname)
        if member.name and member.name not in seen and not _left_out(member.name):
            seen.add(member.name)
            yield _plain(member)


def _place(name: str) -> str:
    """Return where a package's file goes, without a slash at either end."""
    name = name.removeprefix("./").strip("/")
    return f"usr/{name}" if name.partition("/")[0] in _MERGED else name.removeprefix(".")


def _left_out(name: str) -> bool:
    if name.startswith(_DOCUMENTATION):
        return name.count("/") > _DOCUMENTATION.count("/") and not name.endswith(_LICENCE)
    return any(fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}/*") for pattern in _LEFT_OUT)


def _add(out: tarfile.TarFile, name: str, path: Path) -> None:
    member = out.gettarinfo(path, name)
    # The checkout's modes depend on the user's umask.
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    if member.isreg():
        with path.open("rb") as file:
            out.addfile(_plain(member), file)
    else:
        out.addfile(_plain(member))


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Take away what differs from run to run, and the rights that a program has for its owner's sake."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mtime = SOURCE_DATE_EPOCH
    member.mode &= 0o1777
    member.pax_headers = {}
    return member
