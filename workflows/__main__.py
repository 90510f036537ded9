"""Command line of the workflows' steps: ``python -m workflows touched --base <commit>``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from workflows.cluster import run_with_cluster
from workflows.sticky_comment import put_comment
from workflows.touched import touched_stacks


def main() -> int:
    """Run one command and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m workflows", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    touched = commands.add_parser("touched", help="print the stacks that the commits since a base touch, as JSON")
    touched.add_argument("--base", required=True)
    comment = commands.add_parser("comment", help="put a comment of a pull request, in place of the last one")
    comment.add_argument("--number", type=int, required=True, help="the pull request")
    comment.add_argument("--marker", required=True, help="what tells this comment from others of ours")
    comment.add_argument("--body", type=Path, required=True, help="file with the Markdown")
    within = commands.add_parser("with-cluster", help="run a command with the kubeconfig of $KUBECONFIG_CONTENT")
    within.add_argument("run", nargs="+")
    arguments = parser.parse_args()
    if arguments.command == "touched":
        print(json.dumps(touched_stacks(Path.cwd(), arguments.base)))
        return 0
    if arguments.command == "comment":
        put_comment(arguments.number, arguments.marker, arguments.body.read_text())
        return 0
    return run_with_cluster(arguments.run)


if __name__ == "__main__":
    sys.exit(main())
