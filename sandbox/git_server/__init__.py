"""A Git server inside a sandbox of real nodes, which have no way out.

The sandbox's git-sync image reads `https://github.com/…` from here. What is served lies in the sandbox's folder on the
machine, so that a person can push to it and watch the page change.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from sandbox import images
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from sandbox.folder import Folder
    from sandbox.toolchain import Toolchain

# The repository of the Website `kubia`, which users know; the page in it is this project's own.
EXAMPLE = "luksa/kubia-website-example.git"
_HERE = Path(__file__).parent
_AUTHOR = ("-c", "user.name=sandbox", "-c", "user.email=sandbox@localhost")
_READY_SECONDS = 60


def start(folder: Folder, toolchain: Toolchain) -> None:
    """Make the example repository if it isn't there, start the server and wait until it is ready."""
    create_repository(folder, EXAMPLE, {"index.html": (_HERE / "index.html").read_text()})
    manifest = Template((_HERE / "manifest.yaml").read_text())
    objects = manifest.substitute(image=images.reference("toolbox"), folder=folder.git)
    kubectl = [str(toolchain.path("kubectl")), f"--kubeconfig={folder.kubeconfig}"]
    _run([*kubectl, "apply", "--server-side", "-f", "-"], objects)
    _run([*kubectl, "rollout", "status", "-n", "sandbox", "deployment/git", f"--timeout={_READY_SECONDS}s"])


def create_repository(folder: Folder, name: str, files: dict[str, str]) -> Path:
    """Make a bare repository with one commit of `files` unless it exists, and return its folder."""
    bare = folder.git / name
    if not bare.exists():
        with tempfile.TemporaryDirectory(dir=folder.root) as scratch:
            _run(["git", "init", "--quiet", "--initial-branch=main", scratch])
            for path, content in files.items():
                (Path(scratch) / path).write_text(content)
            _run(["git", "-C", scratch, "add", "--all"])
            _run(["git", "-C", scratch, *_AUTHOR, "commit", "--quiet", "--message=First page"])
            _run(["git", "clone", "--quiet", "--bare", scratch, str(bare)])
    # The server's user is another than ours, and reads only.
    for path in (folder.git, *folder.git.rglob("*")):
        path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444))
    return bare


def _run(command: list[str], stdin: str | None = None) -> None:
    # Without the user's own Git configuration: hooks, signing or templates of theirs have no place here.
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    try:
        run = subprocess.run(command, input=stdin, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise SandboxError(f"`{command[0]}` is needed and not on PATH.") from error
    if run.returncode:
        raise SandboxError(f"`{' '.join(command)}` failed:\n{run.stderr.strip()}")
