"""Runs git, with the settings and credentials that git-sync gives it."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.images.git_sync.options import Options

# The default of --sync-timeout.
_TIMEOUT_SECONDS = 120
_SETTINGS = {
    "gc.autoDetach": "false",
    "gc.pruneExpire": "now",
    # In memory only.
    "credential.helper": "cache --timeout 3600",
    # Volumes belong to root.
    "safe.directory": "*",
}


class GitError(Exception):
    """What git said when it failed."""


class Git:
    """git for one repository."""

    def __init__(self, options: Options) -> None:
        self._options = options
        # The system's settings count, unlike in git-sync itself: they lead to the sandbox's own server.
        self._environment = {
            **os.environ,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "true",
            "GIT_SSH_COMMAND": _ssh(options),
            "GIT_CONFIG_COUNT": str(len(_SETTINGS)),
            **{f"GIT_CONFIG_KEY_{index}": key for index, key in enumerate(_SETTINGS)},
            **{f"GIT_CONFIG_VALUE_{index}": value for index, value in enumerate(_SETTINGS.values())},
        }

    def run(self, folder: Path, *arguments: str, text: str = "") -> str:
        """Return what git prints when run in `folder`, which gets `text` to read. Raises `GitError`."""
        command = ["git", *arguments]
        try:
            run = subprocess.run(
                command,
                cwd=folder,
                env=self._environment,
                input=text,
                capture_output=True,
                text=True,
                timeout=_TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise GitError(f"{shlex.join(command)}: took longer than {_TIMEOUT_SECONDS} s") from error
        if run.returncode:
            raise GitError(f"{shlex.join(command)}: {run.stderr.strip()}")
        return run.stdout.strip()

    def log_in(self) -> None:
        """Give git the credentials, if there are any; the file is read anew, so that a rotated one counts at once."""
        options = self._options
        if not options.username:
            return
        password = options.password_file.read_text() if options.password_file else options.password
        approved = f"url={options.repo}\nusername={options.username}\npassword={password.rstrip()}\n"
        self.run(options.root, "credential", "approve", text=approved)

    def log_out(self) -> None:
        """End the process that keeps the credentials."""
        if self._options.username:
            self.run(self._options.root, "credential-cache", "exit")


def _ssh(options: Options) -> str:
    command = ["ssh", "-i", str(options.ssh_key_file), "-o", "BatchMode=yes"]
    if options.ssh_known_hosts:
        command += ["-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={options.ssh_known_hosts_file}"]
    else:
        command += ["-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={os.devnull}"]
    return shlex.join(command)
