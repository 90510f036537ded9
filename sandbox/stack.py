"""Pulumi in a sandbox: its environment, its stacks and its commands."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import yaml

from sandbox import processes, shim
from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from sandbox.folder import Folder
    from sandbox.toolchain import Toolchain

DEV = "dev"


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack of the project, on the sandbox's file backend."""

    folder: Folder
    toolchain: Toolchain
    name: str = DEV

    @property
    def variables(self) -> dict[str, str]:
        """What `pulumi` and `kubectl` need in their environment to work in this sandbox."""
        folder = self.folder
        # The language host takes the first `python3` on PATH: it can't be told of a virtual environment.
        path = [folder.bin, Path(sys.executable).parent, self.toolchain.bin]
        return {
            "PATH": os.pathsep.join([*map(str, path), os.environ.get("PATH", "")]),
            "KUBECONFIG": str(folder.kubeconfig),
            # Without files of metadata beside the state's: one that a killed engine left half written hides the state.
            "PULUMI_BACKEND_URL": f"file://{folder.state}?metadata=skip",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(folder.passphrase),
            "PULUMI_HOME": str(folder.pulumi_home),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_STACK": self.name,
            # `pulumi stack rm` would else remove the tracked stack file.
            "PULUMI_OPTION_PRESERVE_CONFIG": "true",
            # Where a machine forbids it, program and plugins would be compiled anew at every command.
            "PYTHONDONTWRITEBYTECODE": "",
        }

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment for a command in this sandbox."""
        cleared = {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_ACCESS_TOKEN"}
        return {key: value for key, value in os.environ.items() if key not in cleared} | self.variables

    @property
    def checkpoint(self) -> Path:
        """The file that holds the stack's state."""
        return self.folder.state / ".pulumi" / "stacks" / self.project_name / f"{self.name}.json"

    @property
    def project_name(self) -> str:
        """The name in Pulumi.yaml, under which the backend keeps the stacks."""
        return yaml.safe_load((self.folder.project / "Pulumi.yaml").read_text())["name"]

    def resources(self) -> list[dict[str, Any]]:
        """Return the state's resources, the stack itself and its providers left out."""
        resources = cast("list[dict[str, Any]]", self.latest().get("resources") or [])
        return [resource for resource in resources if not resource["type"].startswith("pulumi:")]

    def latest(self) -> dict[str, Any]:
        """Return the state as the backend's file has it, empty before the first update."""
        if not self.checkpoint.exists():
            return {}
        state: dict[str, Any] = json.loads(self.checkpoint.read_text())
        return cast("dict[str, Any]", state["checkpoint"].get("latest") or {})

    def prepare(self) -> None:
        """Make passphrase, salt, the `pulumi` on PATH and the stack, as far as they aren't there."""
        folder = self.folder
        for path in (folder.state, folder.pulumi_home, folder.bin, folder.logs):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not folder.passphrase.exists():
            folder.passphrase.touch(mode=0o600)
            folder.passphrase.write_text(secrets.token_urlsafe(32))
        # A file where the engine would make a folder: it goes without its own log of every value, which is half of its
        # work, and compressed, so that nobody could search it for secrets.
        engine_log = folder.pulumi_home / "logs"
        if not engine_log.exists():
            engine_log.touch()
        self._write_shim()
        if not self.checkpoint.exists():
            self._create()

    def _write_shim(self) -> None:
        command = [sys.executable, "-I", shim.__file__, str(self.toolchain.path("pulumi")), str(self.folder.salt)]
        program = self.folder.bin / "pulumi"
        program.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        program.chmod(0o755)

    def _create(self) -> None:
        """Create the stack in a scratch project of the same name, since `stack init` writes the salt into its file."""
        with tempfile.TemporaryDirectory(dir=self.folder.root) as scratch:
            (Path(scratch) / "Pulumi.yaml").write_text(f"name: {self.project_name}\nruntime: python\n")
            config = Path(scratch) / f"Pulumi.{self.name}.yaml"
            if self.folder.salt.exists():
                config.write_text(f"encryptionsalt: {self.folder.salt.read_text()}\n")
            environment = {key: value for key, value in self.environment.items() if key != "PULUMI_STACK"}
            command = [self.toolchain.path("pulumi"), "stack", "init", self.name, "--non-interactive"]
            run = subprocess.run(
                command, cwd=scratch, env=environment, capture_output=True, text=True, check=False, umask=0o077
            )
            if run.returncode:
                raise SandboxError(f"`pulumi stack init {self.name}` failed:\n{run.stderr.strip()}")
            self.folder.salt.write_text(yaml.safe_load(config.read_text())["encryptionsalt"])

    def pulumi(self, *arguments: str, **variables: str) -> int:
        """Run `pulumi` in the foreground and return its exit code; a Ctrl-C is the engine's to handle.

        `variables` are added to the environment.
        """
        environment = self.environment | variables
        process = subprocess.Popen(
            [self.folder.bin / "pulumi", *arguments], cwd=self.folder.project, env=environment, umask=0o077
        )
        interrupted = False
        while True:
            try:
                code = process.wait()
            except KeyboardInterrupt:
                interrupted = True
            else:
                break
        if interrupted:
            raise KeyboardInterrupt
        return code

    def unlock(self) -> bool:
        """Release the lock that a killed engine left behind; return whether there was one."""
        folder = self.folder.state / ".pulumi" / "locks" / "organization" / self.project_name / self.name
        stale = [lock for lock in folder.glob("*.json") if not processes.alive(json.loads(lock.read_text())["pid"])]
        for lock in stale:
            lock.unlink()
        return bool(stale)
