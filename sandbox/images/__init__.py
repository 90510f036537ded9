"""Images without an image registry: made from Debian's packages and this project's own files, once for each content."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sandbox.errors import SandboxError
from sandbox.images import archive, layers
from sandbox.images.additions import digest_of
from sandbox.images.packages import Packages
from sandbox.images.recipes import BY_NAME, RECIPES, line
from sandbox.progress import Progress
from sandbox.toolchain.cache import cache_folder, locked, made_whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager

    from sandbox.images.recipes import Recipe

__all__ = ["NAMES", "ensure", "reference", "update"]

# Recipes without a version only carry others.
NAMES = tuple(recipe.name for recipe in RECIPES if recipe.version and not recipe.on_demand)

_KEY_LENGTH = 12
# Two checkouts in turn, say; all images take about 0.8 GB, half of it in layers that are kept to be used again.
_KEPT = 2


def reference(name: str) -> str:
    """Return the name by which a pod asks for the image `name`: `sandbox.local/<name>:<version>`."""
    return _known(name).reference


def ensure(progress: Progress | None = None, names: Iterable[str] | None = None) -> dict[str, Path]:
    """Make sure that the images `names` (default: all of a sandbox's nodes) are there, and return their archives.

    Their form is the OCI layout as tar, and their place changes with all that goes into them. Nothing is made twice,
    even by two runs at once. Which versions of Debian's packages go in is decided once and stays so until `update`.

    Raises `SandboxError` where there is no apt or what it needs can't be had.
    """
    progress = progress or Progress()
    recipes = [_known(name) for name in (NAMES if names is None else names)]
    packages = Packages(_folder())
    if not packages.there():
        with _lock(progress):
            if not packages.there():
                packages.choose(progress)
    maker = _Maker(packages, progress)
    return {recipe.name: maker.image(recipe) for recipe in recipes}


def update() -> None:
    """Have the packages' versions decided anew by the next `ensure`."""
    with _lock(Progress(quiet=True)):
        Packages(_folder()).forget()


class _Maker:
    """Makes what isn't there yet."""

    def __init__(self, packages: Packages, progress: Progress) -> None:
        self._packages = packages
        self._progress = progress
        self._code = digest_of(Path(__file__).parent, Path(__file__).parent.glob("*.py"))
        self._keys: dict[str, str] = {}

    def image(self, recipe: Recipe) -> Path:
        """Return the archive of an image."""
        target = _folder() / "archives" / f"{recipe.name}-{self._key(recipe)}"
        file = target / f"{recipe.name}.tar"
        if not file.exists():
            with _lock(self._progress):
                if not file.exists():
                    with self._progress.step(f"Image {recipe.name}"), made_whole(target) as scratch:
                        blobs = [archive.Blob.of_file(self._layer(each)) for each in line(recipe)]
                        archive.write(scratch / file.name, recipe, blobs, self._packages.architecture)
                    _forget_old(target)
        return file

    def _layer(self, recipe: Recipe) -> Path:
        target = _folder() / "layers" / f"{recipe.name}-{self._key(recipe)}"
        file = target / "layer.tar"
        if not file.exists():
            with made_whole(target) as scratch, TemporaryDirectory() as root:
                for addition in recipe.additions:
                    addition.put(Path(root))
                layers.pack(scratch / file.name, self._packages.of(recipe), Path(root))
            _forget_old(target)
        return file

    def _key(self, recipe: Recipe) -> str:
        if recipe.name not in self._keys:
            parts = [
                self._code,
                self._key(BY_NAME[recipe.on]) if recipe.on else self._packages.architecture,
                *(package.name for package in self._packages.of(recipe)),
                *(addition.fingerprint() for addition in recipe.additions),
            ]
            self._keys[recipe.name] = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:_KEY_LENGTH]
        return self._keys[recipe.name]


def _forget_old(made: Path) -> None:
    """Remove what was made before under the same name, but for the newest few: other checkouts may use those."""
    name = made.name.rpartition("-")[0]
    others = sorted(made.parent.glob(f"{name}-{'[0-9a-f]' * _KEY_LENGTH}"), key=lambda folder: folder.stat().st_mtime)
    for old in others[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def _known(name: str) -> Recipe:
    if name not in BY_NAME or not BY_NAME[name].version:
        raise SandboxError(f"No such image: {name}. The sandbox makes {', '.join(NAMES)}.")
    return BY_NAME[name]


def _folder() -> Path:
    return cache_folder() / "images"


def _lock(progress: Progress) -> AbstractContextManager[None]:
    return locked("images", lambda: progress.note("images are being made by another run, waiting"))
