"""Reads and writes kubeconfigs that hold one cluster and one context."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import yaml

from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.toolchain import Toolchain

CONTEXT = "sandbox"
_ANSWER_SECONDS = 10


def write(target: Path, content: dict[str, Any]) -> None:
    """Write a file that only the user can read, in one step."""
    scratch = target.with_name(f".{target.name}.new")
    scratch.touch(mode=0o600)
    scratch.write_text(yaml.safe_dump(content))
    scratch.rename(target)


def renamed(text: str, context: str = CONTEXT) -> dict[str, Any]:
    """Return the kubeconfig `text` with its only context called `context`."""
    content = yaml.safe_load(text)
    content["contexts"][0]["name"] = content["current-context"] = context
    return content


def server(kubeconfig: Path) -> str:
    """Return the URL of the API server."""
    return yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]


def of_user(context: str, toolchain: Toolchain) -> dict[str, Any]:
    """Return one context of the user's own kubeconfig with all it needs, under the sandbox's name for it."""
    kubectl = toolchain.path("kubectl")
    command = [kubectl, "config", "view", "--minify", "--flatten", f"--context={context}", "--output=yaml"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        names = subprocess.run(
            [kubectl, "config", "get-contexts", "-o=name"], capture_output=True, text=True, check=False
        )
        known = ", ".join(names.stdout.split()) or "none"
        raise SandboxError(f"CONTEXT is {context!r}, which your kubeconfig doesn't have; it has: {known}.")
    return renamed(run.stdout)


def answers(kubeconfig: Path, toolchain: Toolchain) -> bool:
    """Return whether the API server says that it is ready."""
    command = [toolchain.path("kubectl"), f"--kubeconfig={kubeconfig}", "get", "--raw=/readyz"]
    run = subprocess.run([*command, f"--request-timeout={_ANSWER_SECONDS}s"], capture_output=True, check=False)
    return run.returncode == 0
