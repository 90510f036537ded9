"""Runs the real `pulumi` with the stack file plus the sandbox's salt, so that the tracked file stays as it is.

Pulumi keeps the salt of a passphrase in Pulumi.<stack>.yaml. Each sandbox has a passphrase, and so a salt, of its own,
which must not end in a tracked file. So the engine works on a copy with the salt; an edit that a command made in the
copy, such as `pulumi config set`, is taken over into the tracked file. Arguments: the real program, the file that holds
the salt, then pulumi's own. Only the standard library is used: this runs at every `pulumi` command.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_OWN_SALT = ("encryptionsalt:", "secretsprovider:", "encryptedkey:")
_CONFIG_FILE = "PULUMI_OPTION_CONFIG_FILE"


def main(real: str, salt_file: str, arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    tracked = _stack_file(arguments)
    if tracked is None or "--config-file" in arguments or _CONFIG_FILE in os.environ:
        return _run([real, *arguments], {})
    before = tracked.read_text() if tracked.exists() else ""
    if any(line.startswith(_OWN_SALT) for line in before.splitlines()):
        return _run([real, *arguments], {})
    with tempfile.TemporaryDirectory(prefix="pulumi-") as scratch:
        copy = Path(scratch) / tracked.name
        copy.write_text(f"encryptionsalt: {Path(salt_file).read_text().strip()}\n{before}")
        code = _run([real, *arguments], {_CONFIG_FILE: str(copy)})
        after = _without_salt(copy.read_text()) if copy.exists() else before
    if after != before:
        tracked.write_text(after)
    return code


def _stack_file(arguments: list[str]) -> Path | None:
    """Return the file of the stack that the command is about, or None outside a project."""
    stack = _option(arguments, "--stack", "-s") or os.environ.get("PULUMI_STACK")
    start = Path(_option(arguments, "--cwd", "-C") or ".").absolute()
    project = next((folder for folder in (start, *start.parents) if (folder / "Pulumi.yaml").exists()), None)
    return project / f"Pulumi.{stack.rpartition('/')[2]}.yaml" if stack and project else None


def _option(arguments: list[str], long: str, short: str) -> str | None:
    for position, argument in enumerate(arguments):
        if argument in (long, short) and position + 1 < len(arguments):
            return arguments[position + 1]
        if argument.startswith(f"{long}="):
            return argument.partition("=")[2]
    return None


def _without_salt(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("encryptionsalt:"))


def _run(command: list[str], extra: dict[str, str]) -> int:
    process = subprocess.Popen(command, env={**os.environ, **extra})

    def pass_on(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of a handler
        # A Ctrl-C reaches the engine directly, which then winds up in good order; wait for what it writes.
        if number == signal.SIGTERM:
            process.terminate()

    signal.signal(signal.SIGINT, pass_on)
    signal.signal(signal.SIGTERM, pass_on)
    code = process.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
