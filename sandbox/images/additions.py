"""What comes into an image beside Debian's packages."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sandbox import toolchain
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


class Addition(Protocol):
    """Files of one origin."""

    def fingerprint(self) -> str:
        """Return a text that changes whenever `put` would put in something else."""
        ...

    def put(self, root: Path) -> None:
        """Put the files into the folder `root`, which is going to be a layer."""
        ...


@dataclass(frozen=True, slots=True)
class Files:
    """A folder of the checkout as it lies there."""

    folder: Path

    def fingerprint(self) -> str:
        """Return the digest of all names and contents."""
        return digest_of(self.folder, (path for path in self.folder.rglob("*") if path.is_file()))

    def put(self, root: Path) -> None:
        """Copy the folder."""
        shutil.copytree(self.folder, root, dirs_exist_ok=True)


@dataclass(frozen=True, slots=True)
class Sources:
    """The Python files of `packages` (folders under `base`), below `target` in the image."""

    target: str
    base: Path
    packages: tuple[str, ...]

    def fingerprint(self) -> str:
        """Return the digest of all names and contents."""
        return digest_of(self.base, self._modules())

    def put(self, root: Path) -> None:
        """Copy the files."""
        for module in self._modules():
            place = root / self.target / module.relative_to(self.base)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(module, place)

    def _modules(self) -> list[Path]:
        return [path for package in self.packages for path in (self.base / package).rglob("*.py")]


@dataclass(frozen=True)
class Links:
    """Symbolic links: place in the image to what it points to."""

    targets: Mapping[str, str]

    def fingerprint(self) -> str:
        """Return the links."""
        return repr(sorted(self.targets.items()))

    def put(self, root: Path) -> None:
        """Make the links."""
        for place, target in self.targets.items():
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (root / place).symlink_to(target)


@dataclass(frozen=True, slots=True)
class Tool:
    """A program of the toolchain; it must be linked statically."""

    name: str
    target: str

    def fingerprint(self) -> str:
        """Return the program's digest; the toolchain builds it first if it must."""
        with self._program().open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def put(self, root: Path) -> None:
        """Copy the program."""
        shutil.copyfile(self._program(), root / self.target)
        (root / self.target).chmod(0o755)

    def _program(self) -> Path:
        return toolchain.ensure([self.name]).path(self.name)


@dataclass(frozen=True, slots=True)
class Wheels:
    """What a lock of Python packages names, for the Python `version` of the image, below `target`."""

    target: str
    lock: Path
    version: str

    def fingerprint(self) -> str:
        """Return the lock's digest."""
        return hashlib.sha256(self.lock.read_bytes()).hexdigest()

    def put(self, root: Path) -> None:
        """Let pip unpack the wheels: those of the lock's hashes, none built here."""
        folder = root / self.target
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--only-binary=:all:", "--require-hashes", "--no-compile"]
        command += ["--python-version", self.version, "--target", str(folder), "--requirement", str(self.lock)]
        run = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if run.returncode:
            raise SandboxError(f"pip could not unpack {self.lock.name} (exit code {run.returncode}):\n{run.stderr}")
        # Programs name this machine's Python, and RECORD has their digests; nothing reads either.
        shutil.rmtree(folder / "bin", ignore_errors=True)
        for record in folder.glob("*.dist-info/RECORD"):
            record.unlink()


def digest_of(base: Path, files: Iterable[Path]) -> str:
    """Return the digest of names under `base` and contents."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(base)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
