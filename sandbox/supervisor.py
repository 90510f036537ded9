"""Keeps one controller running outside the cluster, under its own ServiceAccount.

A kubelet would give the controller's pod a token and renew it; the sandbox's nodes run nothing, so this process does.
Started as `python -m sandbox.supervisor`; arguments: the sandbox's folder, the controller's name, namespace/name of its
ServiceAccount, kubectl, then the controller's command.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.folder import Folder

if TYPE_CHECKING:
    from types import FrameType

# The shortest life that the API server grants is 10 minutes; a kubelet asks for an hour.
_TOKEN_SECONDS = 3600
_RETRY_SECONDS = 5
_LONGEST_PAUSE_SECONDS = 60


class Supervisor:
    """One controller process and its token."""

    def __init__(self, home: Path, account: str, kubectl: list[str], command: list[str]) -> None:
        self._home = home
        self._namespace, _, self._account = account.partition("/")
        self._kubectl = kubectl
        self._command = command
        self._ended = threading.Event()
        self._renew_at = 0.0

    def stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signature of a signal handler
        """End the controller and then this process."""
        self._ended.set()

    def run(self) -> None:
        """Run the controller until `stop`, starting it anew when it dies: at once, then after ever longer pauses."""
        pause = 1.0
        while not self._ended.is_set():
            started = time.monotonic()
            self._renew_when_due()
            self._run_once()
            lived = time.monotonic() - started
            pause = 1.0 if lived > _LONGEST_PAUSE_SECONDS else min(pause * 2, _LONGEST_PAUSE_SECONDS)
            if not self._ended.wait(pause):
                self._say(f"the controller ended after {lived:.0f} s and is started again")
                # Its account may have been made anew, which voids the token.
                self._renew_at = 0.0

    def _run_once(self) -> None:
        process = subprocess.Popen(self._command)
        try:
            while process.poll() is None and not self._ended.wait(1):
                self._renew_when_due()
        finally:
            process.terminate()
            process.wait()

    def _renew_when_due(self) -> None:
        while time.monotonic() >= self._renew_at and not self._ended.is_set():
            token = self._mint()
            if token is None:
                self._ended.wait(_RETRY_SECONDS)
                continue
            scratch = self._home / "token.new"
            scratch.touch(mode=0o600)
            scratch.write_text(token)
            scratch.rename(self._home / "token")
            self._renew_at = time.monotonic() + _TOKEN_SECONDS / 2

    def _mint(self) -> str | None:
        command = [*self._kubectl, "create", "token", self._account]
        run = subprocess.run(
            [*command, f"--namespace={self._namespace}", f"--duration={_TOKEN_SECONDS}s"],
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode:
            self._say(f"no token for {self._namespace}/{self._account}: {run.stderr.strip()}")
            return None
        return run.stdout.strip()

    def _say(self, text: str) -> None:
        sys.stderr.write(f"{time.strftime('%H:%M:%S')} supervisor: {text}\n")
        sys.stderr.flush()


def main(root: str, name: str, account: str, kubectl: str, *command: str) -> None:
    """Supervise until SIGTERM."""
    os.umask(0o077)
    folder = Folder(Path(root))
    administrator = [kubectl, f"--kubeconfig={folder.kubeconfig}"]
    supervisor = Supervisor(folder.controllers / name, account, administrator, list(command))
    signal.signal(signal.SIGTERM, supervisor.stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    supervisor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
