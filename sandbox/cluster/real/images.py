"""A disk image of a node: a containerd that has all images unpacked, made once and then copied for every node.

Importing costs seconds an image and node; a copy is made of hard links, and costs next to nothing. Links are safe since
no file of an image is ever written to: a container's changes go to a layer of its own.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from typing import TYPE_CHECKING, Any

from sandbox.cluster.real.namespaces import UNSHARE
from sandbox.errors import SandboxError
from sandbox.toolchain.cache import cache_folder, locked, made_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Rewritten in place, unlike all else.
_DATABASES = "**/*.db"
# A containerd of its own, away from the machine's; it ends with the script. Without CRI it is up in no time.
_CONFIGURATION = """\
version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[plugins."io.containerd.internal.v1.opt"]
  path = "/run/opt"
"""
_IMPORT = """
set -eu
root=$1 configuration=$2
shift 2
mount -t tmpfs tmpfs /run
containerd --config "$configuration" --root "$root" --state /run/state --address /run/socket --log-level warn &
until ctr --address /run/socket version >/dev/null 2>&1; do
  kill -0 $! || exit 1
  sleep 0.05
done
for archive; do
  ctr --address /run/socket --namespace k8s.io images import "$archive" >/dev/null
done
kill $!
wait $! || true
"""


def install(archives: Sequence[Path], targets: Sequence[Path]) -> None:
    """Make every target, an empty folder, the root of a containerd that has the images in `archives`.

    The copied one is kept in the cache until other images are asked for.
    """
    key = hashlib.sha256(json.dumps([_index(archive) for archive in archives]).encode()).hexdigest()[:12]
    disk = cache_folder() / "node-disks" / key
    with locked("node-disks"):
        if not disk.exists():
            shutil.rmtree(disk.parent, ignore_errors=True)
            with made_whole(disk) as scratch:
                _import(archives, scratch)
        for target in targets:
            _copy_disk(disk, target)


def _import(archives: Sequence[Path], root: Path) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as configuration:
        configuration.write(_CONFIGURATION)
        configuration.flush()
        run = subprocess.run(
            # Killed with this process: no sandbox would know of it.
            [
                "setpriv",
                "--pdeathsig",
                "KILL",
                *UNSHARE,
                "sh",
                "-c",
                _IMPORT,
                "sh",
                root,
                configuration.name,
                *archives,
            ],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            umask=0o022,
        )
    if run.returncode:
        raise SandboxError(f"Importing the nodes' images failed:\n{run.stderr.strip()}")


def _copy_disk(disk: Path, target: Path) -> None:
    """Make `target` a copy of `disk` of hard links, or a plain one where those are impossible."""
    if _copy("-alT", disk, target).returncode:
        shutil.rmtree(target, ignore_errors=True)
        run = _copy("-aT", disk, target)
        if run.returncode:
            raise SandboxError(f"The images could not be copied to {target}: {run.stderr.strip()}")
        return
    for database in disk.glob(_DATABASES):
        own = target / database.relative_to(disk)
        own.unlink()
        shutil.copy2(database, own)


def _copy(options: str, source: Path, target: Path) -> subprocess.CompletedProcess[str]:
    # GNU's cp keeps owners, special files and extended attributes, which shutil doesn't.
    return subprocess.run(["cp", options, source, target], capture_output=True, text=True, check=False)


def names(archive: Path) -> list[str]:
    """Return the names, such as `sandbox.local/redis:7.0`, of the images in an OCI archive."""
    annotations = [manifest.get("annotations", {}) for manifest in _index(archive)["manifests"]]
    return [each["io.containerd.image.name"] for each in annotations]


def _index(archive: Path) -> dict[str, Any]:
    if not archive.exists():
        raise SandboxError(f"The image archive {archive} is gone. Run the same command again, which makes it anew.")
    with tarfile.open(archive) as tar:
        file = tar.extractfile("index.json")
        if file is None:
            raise SandboxError(f"{archive} is no OCI archive: it has no index.json.")
        return json.load(file)
