"""The folder of one sandbox: everything it writes but the tools lies here, and goes with it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError

PROJECT = Path(__file__).parents[1]
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,30}")


@dataclass(frozen=True, slots=True)
class Folder:
    """Paths of one sandbox under `root`, for the Pulumi project in `project`."""

    root: Path
    project: Path = PROJECT

    @classmethod
    def named(cls, name: str) -> Folder:
        """Return `.sandbox/<name>` in the checkout, or the folder that `$SANDBOX_DIR` names."""
        if not _NAME.fullmatch(name):
            raise SandboxError(f"NAME is {name!r}; allowed are up to 31 lower-case letters, digits and '-'.")
        chosen = os.environ.get("SANDBOX_DIR")
        return cls(Path(chosen).absolute() if chosen else PROJECT / ".sandbox" / name)

    @property
    def cluster(self) -> Path:
        """The control plane's folder."""
        return self.root / "cluster"

    @property
    def borrowed_kubeconfig(self) -> Path:
        """A copy of a context of the user's; there only if the sandbox is on a cluster of the user's."""
        return self.root / "kubeconfig"

    @property
    def borrowed_context(self) -> str | None:
        """The user's name of that context, or None if the sandbox has a control plane of its own."""
        remembered = self.root / "context"
        return remembered.read_text() if remembered.exists() else None

    def remember_context(self, context: str) -> None:
        """Note that the sandbox is on the cluster of the user's `context`."""
        (self.root / "context").write_text(context)

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig in use, whose only context is called `sandbox`."""
        return self.borrowed_kubeconfig if self.borrowed_context else self.cluster / "kubeconfig"

    @property
    def state(self) -> Path:
        """The file backend that holds the stacks' states."""
        return self.root / "state"

    @property
    def pulumi_home(self) -> Path:
        """Pulumi's home: plugins and credentials of this sandbox alone."""
        return self.root / "pulumi"

    @property
    def git(self) -> Path:
        """The repositories that the sandbox's Git server serves, where the nodes are real."""
        return self.root / "git"

    @property
    def passphrase(self) -> Path:
        """The passphrase of the stacks' secrets."""
        return self.root / "passphrase"

    @property
    def salt(self) -> Path:
        """The salt that belongs to the passphrase; Pulumi would keep it in the tracked stack file."""
        return self.root / "salt"

    @property
    def bin(self) -> Path:
        """First on PATH: the `pulumi` that adds the salt."""
        return self.root / "bin"

    @property
    def controllers(self) -> Path:
        """A folder for each of the stack's own controllers: token, kubeconfig and what it keeps in volumes."""
        return self.root / "controllers"

    @property
    def logs(self) -> Path:
        """Logs of what the sandbox itself runs; the control plane's are linked into it."""
        return self.root / "logs"

    def shown(self, path: Path) -> str:
        """Return `path` as a person in the checkout would type it."""
        return str(path.relative_to(PROJECT)) if path.is_relative_to(PROJECT) else str(path)
