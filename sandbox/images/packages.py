"""Debian's packages for the images, as the machine's own apt finds, checks and downloads them.

apt works in folders of its own here, on a system where nothing is installed. It needs no root, and neither knows nor
changes what the machine has.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from hashlib import sha256
from typing import TYPE_CHECKING, TypedDict

from sandbox.errors import SandboxError
from sandbox.images.recipes import RECIPES, line
from sandbox.toolchain.cache import made_whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sandbox.images.recipes import Recipe
    from sandbox.progress import Progress

_LISTING = "layers.json"
# Only the scripts that run at installation use these, and none is run: users, for instance, come from our own files.
# git uses perl besides, for sending mail and the like.
_ASSUMED = (
    "adduser",
    "debconf",
    "debianutils",
    "dpkg",
    "init-system-helpers",
    "liberror-perl",
    "lsb-base",
    "mawk",
    "media-types",
    "passwd",
    "perl",
    "sysvinit-utils",
    "tar",
    "usrmerge",
)
_PROVIDED = {"mawk": "awk"}


class _Listing(TypedDict):
    architecture: str
    chosen: dict[str, list[str]]


class Packages:
    """The packages of all recipes, chosen and downloaded together: a choice stays until `forget`."""

    def __init__(self, folder: Path) -> None:
        self._recipes = [recipe for recipe in RECIPES if recipe.packages]
        wanted = [(recipe.name, recipe.on, recipe.packages, recipe.assumed) for recipe in self._recipes]
        self._folder = folder / f"packages-{sha256(repr((_ASSUMED, wanted)).encode()).hexdigest()[:12]}"

    def forget(self) -> None:
        """Have the newest packages chosen next time."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def there(self) -> bool:
        """Tell whether `choose` has been done."""
        return self._folder.exists()

    def choose(self, progress: Progress) -> None:
        """Choose and download; the caller holds a lock."""
        _check_programs()
        with (
            progress.step("Debian packages of the images: choosing and downloading"),
            made_whole(self._folder) as scratch,
        ):
            architecture = _run(["dpkg", "--print-architecture"], scratch).strip()
            apt = _Apt(scratch, architecture)
            apt.get("update")
            chosen = {recipe.name: _choose(apt, recipe) for recipe in self._recipes}
            apt.download({file for files in chosen.values() for file in files})
            apt.tidy()
            (scratch / _LISTING).write_text(json.dumps({"architecture": architecture, "chosen": chosen}, indent=1))

    def of(self, recipe: Recipe) -> tuple[Path, ...]:
        """Return the files of the packages that `recipe` adds to what it stands on."""
        chosen = self._listing()["chosen"]
        there = {file for below in line(recipe)[:-1] for file in chosen.get(below.name, ())}
        return tuple(self._folder / file for file in chosen.get(recipe.name, ()) if file not in there)

    @property
    def architecture(self) -> str:
        """Debian's name of the architecture, which is the OCI's too for those that Kubernetes runs on."""
        return self._listing()["architecture"]

    def _listing(self) -> _Listing:
        return json.loads((self._folder / _LISTING).read_text())


def _choose(apt: _Apt, recipe: Recipe) -> list[str]:
    names = [name for each in line(recipe) for name in each.packages]
    files = apt.choose(names, recipe.assumed)
    if recipe.versioned_by:
        _check_version(recipe, files)
    return sorted(files)


class _Apt:
    """apt with state and cache below `root`, but the machine's sources, keys and settings of the network."""

    def __init__(self, root: Path, architecture: str) -> None:
        self._root = root
        self._architecture = architecture
        for folder in ("lists", "archives"):
            (root / "apt" / folder / "partial").mkdir(parents=True)

    def get(self, *arguments: str, assumed: tuple[str, ...] = ()) -> str:
        """Run apt-get."""
        state = self._root / "apt"
        stanzas = [_stanza(name, self._architecture) for name in (*_ASSUMED, *assumed)]
        (state / "status").write_text("\n".join(stanzas))
        settings = {
            "Dir::State::Lists": state / "lists",
            "Dir::State::status": state / "status",
            "Dir::State::extended_states": state / "extended_states",
            "Dir::Cache": state,
            # Else some machines' settings have it read all lists anew each time.
            "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
            "Acquire::Languages": "none",
            # Else apt, run by root, wants a user of its own to write into our folders.
            "APT::Sandbox::User": "root",
        }
        options = [f"--option={key}={value}" for key, value in settings.items()]
        return _run(["apt-get", "-qq", *options, *arguments], self._root)

    def choose(self, names: list[str], assumed: tuple[str, ...]) -> list[str]:
        """Return the names of the files of packages and of all they depend on."""
        listed = self.get("--print-uris", "install", "--no-install-recommends", *names, assumed=assumed)
        return [line.split()[1] for line in listed.splitlines()]

    def download(self, files: Iterable[str]) -> None:
        """Download exactly these; apt checks them by the archive's signature."""
        parts = [file.split("_") for file in sorted(files)]
        # apt writes the colon of a version like this in the names of files.
        self.get("download", *(f"{name}={version.replace('%3a', ':')}" for name, version, _ in parts))

    def tidy(self) -> None:
        """Remove all but the packages."""
        shutil.rmtree(self._root / "apt")


def _stanza(name: str, architecture: str) -> str:
    provided = f"Provides: {_PROVIDED[name]}\n" if name in _PROVIDED else ""
    return (
        f"Package: {name}\nStatus: install ok installed\nVersion: 999:0\nArchitecture: {architecture}\n"
        f"Multi-Arch: allowed\nMaintainer: none\nDescription: not put in\n{provided}"
    )


def _check_programs() -> None:
    if missing := [name for name in ("apt-get", "dpkg-deb") if shutil.which(name) is None]:
        raise SandboxError(
            f"Images are made from Debian's packages, and this machine has no {' and no '.join(missing)}."
        )


def _check_version(recipe: Recipe, files: list[str]) -> None:
    """Fail on another version: it is part of the name by which stacks ask for the image, so it must not drift."""
    package = recipe.versioned_by
    version = next(file.split("_")[1] for file in files if file.startswith(f"{package}_"))
    # apt writes the colon after an epoch like this in the names of files.
    upstream = version.rpartition("%3a")[2]
    if not upstream.startswith(f"{recipe.version}."):
        raise SandboxError(
            f"The image {recipe.name} is to hold {package} {recipe.version}, but apt has {upstream} here: "
            "the images need the sources of Debian 12."
        )


def _run(command: list[str], folder: Path) -> str:
    run = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
    )
    if run.returncode:
        raise SandboxError(f"{command[0]} failed (exit code {run.returncode}): {' '.join(command)}\n{run.stderr}")
    return run.stdout
