"""The sandbox's command line, which the Makefile calls: `python -m sandbox up`."""

from __future__ import annotations

import argparse
import sys

from sandbox import toolchain, verbs
from sandbox.errors import SandboxError
from sandbox.folder import Folder
from sandbox.progress import Progress
from sandbox.stack import DEV

_INTERRUPTED = 130


def main() -> int:
    """Run one verb and return the exit code."""
    arguments = _parser().parse_args()
    progress = Progress()
    try:
        _run(arguments, progress)
    except SandboxError as error:
        progress.failure(str(error))
        return 1
    except KeyboardInterrupt:
        progress.failure("Interrupted. Run the same command again to go on where it stopped.")
        return _INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A cluster and Pulumi engine of your own.")
    parser.add_argument("--name", default="default", help="which sandbox, for several side by side")
    parser.add_argument("--context", default="", help="up: roll out to this context of your own kubeconfig")
    parser.add_argument("--nodes", default="", help="up: 'real' or 'kwok'; default: real where they can run")
    parser.add_argument("--stack", default=DEV, help="preview: the stack file to preview")
    parser.add_argument("verb", choices=["tools", "up", "preview", "down", "status", "shell", "env", "clean"])
    return parser


def _run(arguments: argparse.Namespace, progress: Progress) -> None:
    folder = Folder.named(arguments.name)
    tools = toolchain.ensure(progress=progress)
    match arguments.verb:
        case "tools":
            verbs.tools(tools, progress)
        case "up":
            verbs.up(folder, tools, progress, arguments.context, arguments.nodes)
        case "preview":
            verbs.preview(folder, tools, progress, arguments.stack)
        case "down":
            verbs.down(folder, tools, progress)
        case "clean":
            verbs.clean(folder, tools, progress)
        case "status":
            verbs.status(folder, tools, progress)
        case "env":
            verbs.env(folder, tools)
        case _:
            verbs.shell(folder, tools, progress)


if __name__ == "__main__":
    sys.exit(main())
