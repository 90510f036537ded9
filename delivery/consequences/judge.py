"""Looks up in the table what each change of a resource does."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from delivery.changes import ABSENT, Change
from delivery.consequences.model import Consequence, Finding, Rule, Verdict
from delivery.consequences.table import KINDS, METADATA

if TYPE_CHECKING:
    from collections.abc import Iterator

    from delivery.changes import Path
    from delivery.preview import Operation, Step

_WHOLE: Final[dict[Operation, str]] = {"create": "+", "delete": "-", "replace": "±", "import": "import"}
_NO_CHANGE: Final = Change((), ABSENT, ABSENT)
_IMPORTED: Final = Finding(
    Consequence.NONE, "The object is there already and only enters the state.", "pulumi import (Pulumi 3.259)"
)
_FORGOTTEN: Final = Finding(
    Consequence.NONE, "The object leaves the state and stays in the cluster.", "retainOnDelete (Pulumi 3.259)"
)
_NOTHING: Final = Finding(Consequence.NONE, "No declared field changes.", "the preview itself")


def judge(step: Step) -> Verdict:
    """Return what a step does to its resource."""
    kind = KINDS.get(step.kind)
    findings = sorted(_findings(step), key=lambda finding: -finding.consequence.severity)
    # A kind that the table doesn't know may hold anything.
    return Verdict(step, tuple(findings), holds_state=kind.holds_state if kind else True)


def rules_of(kind: str) -> tuple[Rule, ...]:
    """Return the rows of the table for a kind; none for one that it doesn't know."""
    known = KINDS.get(kind)
    return (*known.rules, *METADATA) if known else ()


def _findings(step: Step) -> Iterator[Finding]:
    if step.operation == "import":
        yield _IMPORTED
    elif step.operation == "delete" and step.retained:
        yield _FORGOTTEN
    elif step.operation == "update":
        yield from _of_fields(step)
    else:
        whole = _whole(step)
        yield whole
        # What the fields do is part of the replacement: they aren't judged once more.
        for change in step.changes:
            reason = "Forces the replacement." if change.replaces else "Comes with the replacement."
            yield Finding(whole.consequence, reason, whole.source, change)


def _whole(step: Step) -> Finding:
    rule = _first(step, (_WHOLE[step.operation],), _NO_CHANGE)
    return (
        _found(rule, None) if rule else _unknown(f"No rule says what it does to {step.operation} a {step.kind}.", None)
    )


def _of_fields(step: Step) -> Iterator[Finding]:
    if not step.changes:
        yield _NOTHING
    for change in step.changes:
        # Of a field that was added or removed whole, the worst part counts.
        leaves = [_of_field(step, leaf) for leaf in change.leaves()]
        worst = max(leaves, key=lambda finding: finding.consequence.severity)
        yield Finding(worst.consequence, worst.reason, worst.source, change, worst.rule)


def _of_field(step: Step, change: Change) -> Finding:
    rule = _first(step, change.path, change)
    return _found(rule, change) if rule else _unknown(f"No rule knows this field of {step.kind}.", change)


def _first(step: Step, path: Path, change: Change) -> Rule | None:
    rules = (rule for rule in rules_of(step.kind) if _fits(rule.subject, path))
    return next((rule for rule in rules if rule.when is None or rule.when(step, change)), None)


def _found(rule: Rule, change: Change | None) -> Finding:
    return Finding(rule.consequence, rule.reason, str(rule.source), change, rule)


def _unknown(reason: str, change: Change | None) -> Finding:
    return Finding(Consequence.UNKNOWN, reason, "", change)


@cache
def _fits(pattern: str, path: Path) -> bool:
    steps = pattern.split(".")
    if steps[-1] == "**":
        steps.pop()
        path = path[: len(steps)]
    return len(steps) == len(path) and all(map(_same, steps, path))


def _same(pattern: str, step: str) -> bool:
    return pattern in ("*", step)
