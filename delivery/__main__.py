"""Says what a change will do, and guards it: ``python -m delivery report``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from delivery import drift
from delivery.approvals import read_approvals
from delivery.document import document
from delivery.errors import DeliveryError
from delivery.fleet import roll_out
from delivery.guard import decide
from delivery.markdown import markdown
from delivery.preview import read
from delivery.update import preview, read_report, update


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit code: 1 where it refuses or fails, 2 for a wrong command line."""
    parsed = command_line().parse_args(arguments)
    try:
        return parsed.run(parsed)
    except DeliveryError as error:
        print(error, file=sys.stderr)
        return 1


def command_line() -> argparse.ArgumentParser:
    """Return what reads the arguments; each command's function is in `run`."""
    parser = argparse.ArgumentParser(prog="python -m delivery", description="What a change will do.")
    commands = parser.add_subparsers(required=True)

    report = commands.add_parser("report", help="write what a preview shows as Markdown and JSON")
    report.set_defaults(run=_report)
    report.add_argument("--preview", type=Path, help="output of `pulumi preview --json`; default: run that")
    report.add_argument("--markdown", type=Path, help="where to; default: standard output")
    report.add_argument("--json", type=Path, help="where to; default: nowhere")

    check = commands.add_parser("check", help="refuse what may lose data and nobody approved")
    check.set_defaults(run=_check)
    check.add_argument("--report", type=Path, required=True, help="JSON report of the change")
    check.add_argument("--approvals", type=Path, required=True, help="the pull request's file, which need not exist")
    check.add_argument("--base", required=True, help="commit that the pull request starts from, in full")

    up = commands.add_parser("up", help="update the selected stack by what was reviewed and by nothing else")
    up.set_defaults(run=_up)
    up.add_argument("--reviewed", type=Path, required=True, help="JSON report that was reviewed")

    found = commands.add_parser("drift", help="show what somebody changed in the cluster; exit with 1 if there is any")
    found.set_defaults(run=_drift)
    found.add_argument("--json", type=Path, help="where to; default: nowhere")
    commands.add_parser("repair", help="put back what drifted").set_defaults(run=_repair)
    commands.add_parser("adopt", help="take what drifted over").set_defaults(run=_adopt)

    fleet = commands.add_parser("up-all", help="update many stacks, some at a time")
    fleet.set_defaults(run=_up_all)
    fleet.add_argument("--at-once", type=int, default=2, help="how many at a time; default: 2")
    fleet.add_argument("stacks", nargs="+", help="in this order; after a failure no other is started")

    differing = commands.add_parser("diff-env", help="show what two stack files come to differently")
    differing.set_defaults(run=_diff_env)
    differing.add_argument("one")
    differing.add_argument("other")
    return parser


def _report(arguments: argparse.Namespace) -> int:
    written = document(read(arguments.preview.read_text() if arguments.preview else preview()))
    if arguments.json:
        arguments.json.write_text(json.dumps(written, indent=2) + "\n")
    if arguments.markdown:
        arguments.markdown.write_text(markdown(written))
    else:
        sys.stdout.write(markdown(written))
    return 0


def _check(arguments: argparse.Namespace) -> int:
    decision = decide(read_report(arguments.report), read_approvals(arguments.approvals), arguments.base)
    for line in (*decision.notes, *decision.approved, *decision.refused):
        print(line)
    return int(bool(decision.refused))


def _drift(arguments: argparse.Namespace) -> int:
    found = drift.drift(*drift.refresh())
    print("\n".join(drift.as_lines(found)))
    if arguments.json:
        arguments.json.write_text(json.dumps(drift.as_document(found), indent=2) + "\n")
    return int(bool(found))


def _repair(_: argparse.Namespace) -> int:
    return drift.repair()


def _adopt(_: argparse.Namespace) -> int:
    return drift.adopt()


def _up_all(arguments: argparse.Namespace) -> int:
    return roll_out(arguments.stacks, arguments.at_once)


def _diff_env(arguments: argparse.Namespace) -> int:
    # Imports the whole program, which the report needs not wait for.
    from delivery import environments  # noqa: PLC0415

    print("\n".join(environments.as_lines(arguments.one, arguments.other)))
    return 0


def _up(arguments: argparse.Namespace) -> int:
    return update(read_report(arguments.reviewed))


if __name__ == "__main__":
    sys.exit(main())
