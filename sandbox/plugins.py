"""Puts the resource plugins of the program into a Pulumi home: the official ones if they can be had."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.provider import install
from sandbox.toolchain.cache import cache_folder, link_or_copy, locked

if TYPE_CHECKING:
    from sandbox.progress import Progress
    from sandbox.toolchain import Toolchain

NAMES = ("kubernetes", "random")
# A download that can't succeed is refused within seconds; a good one may take a minute.
_DOWNLOAD_SECONDS = 90
_REFUSAL_SECONDS = 24 * 60 * 60


def place(pulumi_home: Path, toolchain: Toolchain, progress: Progress) -> None:
    """Put each plugin in the version of its installed SDK into `pulumi_home`, and say where it comes from.

    The first that is there is taken: the user's own Pulumi home, a download of this run or an earlier one, the
    sandbox's stand-in. A refused download is not tried again for a day.
    """
    for name in NAMES:
        wanted = version(f"pulumi-{name}")
        folder = Path("plugins") / f"resource-{name}-v{wanted}"
        if (pulumi_home / folder).exists():
            continue
        source = _installed(name, folder) or _downloaded(name, wanted, folder, toolchain, progress)
        if source:
            shutil.copytree(source, pulumi_home / folder, copy_function=link_or_copy)
            progress.note(f"Pulumi plugin {name} {wanted}: the official one, from {source}")
        else:
            progress.note(f"Pulumi plugin {name} {wanted}: the sandbox's stand-in, as the official one can't be had")
    install.install(pulumi_home)


def _installed(name: str, folder: Path) -> Path | None:
    """Return the official plugin's folder in the user's Pulumi home; in a sandbox's shell that may be a sandbox's."""
    home = Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    partial = home / folder.with_name(f"{folder.name}.partial")
    program = home / folder / f"pulumi-resource-{name}"
    whole = program.is_file() and not partial.exists()
    return home / folder if whole and not install.is_stand_in(program) else None


def _downloaded(name: str, wanted: str, folder: Path, toolchain: Toolchain, progress: Progress) -> Path | None:
    home = cache_folder() / "pulumi"
    refusal = home / f"refused-{name}-{wanted}"
    with locked(f"plugin-{name}-{wanted}"):
        if (home / folder).exists():
            return home / folder
        if refusal.exists() and time.time() - refusal.stat().st_mtime < _REFUSAL_SECONDS:
            return None
        with progress.step(f"Pulumi plugin {name} {wanted}: asking for the official one"):
            if _download(name, wanted, home, toolchain):
                return home / folder
        refusal.touch()
    return None


def _download(name: str, wanted: str, home: Path, toolchain: Toolchain) -> bool:
    home.mkdir(parents=True, exist_ok=True)
    command = [toolchain.path("pulumi"), "plugin", "install", "resource", name, wanted]
    environment = {**os.environ, "PULUMI_HOME": str(home), "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        run = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=_DOWNLOAD_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return run.returncode == 0
