"""The machine-readable report: one JSON document, of which Markdown and the guard are made."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Literal, NotRequired, TypedDict

from delivery.changes import ABSENT
from delivery.consequences import Consequence, judge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from delivery.consequences import Finding, Verdict
    from delivery.preview import Preview

VERSION: Final = "platform/report/v1"
"""Keys are only ever added under one version."""


class Field(TypedDict):
    """One changed field. Without ``before`` it was added, without ``after`` it is removed."""

    path: str
    consequence: str
    reason: str
    source: str
    before: NotRequired[Any]
    after: NotRequired[Any]


class Resource(TypedDict):
    """One changed resource."""

    urn: str
    component: str
    kind: str
    object: str
    operation: Literal["create", "update", "replace", "delete", "import"]
    consequence: str
    reasons: list[str]
    """Why, worst first; what the fields do is said there."""
    source: str
    fields: list[Field]
    waitsFor: list[str]
    """URNs of changed resources that must be done first."""
    holdsState: bool
    protected: bool


class Document(TypedDict):
    """A whole report."""

    version: str
    stack: str
    worst: str
    """The worst consequence of all; ``no effect`` where nothing changes."""
    summary: dict[str, int]
    """Changed resources by consequence."""
    unchanged: int
    resources: list[Resource]


def document(preview: Preview) -> Document:
    """Return the report of a preview, secrets masked."""
    verdicts = [judge(step) for step in preview.steps]
    changed = {verdict.step.urn for verdict in verdicts}
    counts = Counter(verdict.consequence for verdict in verdicts)
    worst = max(counts, key=lambda consequence: consequence.severity, default=Consequence.NONE)
    return {
        "version": VERSION,
        "stack": preview.stack,
        "worst": worst.value,
        "summary": {consequence.value: counts[consequence] for consequence in Consequence},
        "unchanged": preview.unchanged,
        "resources": [_resource(verdict, changed) for verdict in verdicts],
    }


def _resource(verdict: Verdict, changed: set[str]) -> Resource:
    step = verdict.step
    whole = [finding for finding in verdict.findings if finding.change is None]
    return {
        "urn": step.urn,
        "component": step.component,
        "kind": step.kind,
        "object": step.object_name,
        "operation": step.operation,
        "consequence": verdict.consequence.value,
        "reasons": _reasons(verdict.findings, verdict.consequence),
        "source": next((finding.source for finding in whole), ""),
        "fields": [_field(finding) for finding in verdict.findings if finding.change],
        "waitsFor": [urn for urn in step.dependencies if urn in changed],
        "holdsState": verdict.holds_state,
        "protected": step.protected,
    }


def _reasons(findings: Sequence[Finding], worst: Consequence) -> list[str]:
    gravest = [finding for finding in findings if finding.consequence is worst]
    whole = [finding for finding in gravest if finding.change is None]
    return list(dict.fromkeys(finding.reason for finding in whole or gravest))


def _field(finding: Finding) -> Field:
    assert finding.change is not None  # noqa: S101 - of those of a field only
    field: Field = {
        "path": finding.change.text,
        "consequence": finding.consequence.value,
        "reason": finding.reason,
        "source": finding.source,
    }
    if finding.change.old is not ABSENT:
        field["before"] = finding.change.old
    if finding.change.new is not ABSENT:
        field["after"] = finding.change.new
    return field
