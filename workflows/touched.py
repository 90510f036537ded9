"""Which environments a change touches, by the files that it edits."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# The sandbox's own, which no pull request is deployed to.
_LOCAL = "dev"
_STACK_FILE = re.compile(r"Pulumi\.([^/]+)\.yaml")
# What the program reads at run time, and what decides how it runs.
_OF_ALL = re.compile(r"(components|crds|controllers|policies)/|Pulumi\.yaml$|__main__\.py$|requirements\.txt$")


def touched_stacks(project: Path, base: str) -> list[str]:
    """Return the stacks, but for dev, that the commits between `base` and the current one may change."""
    stacks = sorted(path.name.split(".")[1] for path in project.glob("Pulumi.*.yaml"))
    deployed = [stack for stack in stacks if stack != _LOCAL]
    # Three dots: what the branch did, not what main did meanwhile. Without rename detection both names count.
    command = ["git", "diff", "--name-only", "--no-renames", f"{base}...HEAD"]
    done = subprocess.run(command, cwd=project, check=True, capture_output=True, text=True)
    files = done.stdout.splitlines()
    if any(_OF_ALL.match(file) for file in files):
        return deployed
    named = {match[1] for file in files if (match := _STACK_FILE.fullmatch(file))}
    return [stack for stack in deployed if stack in named]
