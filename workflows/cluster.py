"""Runs a command with a kubeconfig that a secret holds."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path


def run_with_cluster(command: list[str]) -> int:
    """Run `command` with the kubeconfig of `$KUBECONFIG_CONTENT` in a file that goes with it; return its exit code.

    The content is not in the command's environment.
    """
    environment = dict(os.environ)
    content = environment.pop("KUBECONFIG_CONTENT")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kubeconfig"
        file.touch(mode=0o600)
        file.write_text(content)
        return subprocess.run(command, env={**environment, "KUBECONFIG": str(file)}, check=False).returncode
