"""The report for people: Markdown that fits a comment of a pull request."""

from __future__ import annotations

import difflib
import html
import json
import re
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from delivery.consequences import Consequence

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from delivery.document import Document, Field, Resource

LONGEST: Final = 65_536
"""Characters of a comment: GitHub's API answers "Body is too long (maximum is 65536 characters)" to more."""

MARKER: Final = "<!-- platform-report {} -->"
"""First line, by which a workflow finds the comment to replace; takes the stack's name."""

_LONGEST_VALUE: Final = 160
_LONGEST_TEXT: Final = 6_000
_SIGNS: Final = {"create": "+", "update": "~", "replace": "±", "delete": "-", "import": "="}
_MEANING: Final = {
    Consequence.NONE: "no running pod stops, nothing is lost",
    Consequence.ROLLING: "pods stop in turn, others serve meanwhile",
    Consequence.DOWNTIME: "all pods of something stop, or it can't be reached",
    Consequence.REPLACEMENT: "deleted and made anew; its data stays",
    Consequence.DATA_LOSS: "volumes, or objects that exist nowhere else, are deleted",
    Consequence.UNKNOWN: "no rule knows it: judge for yourself",
}


def markdown(report: Document, *, longest: int = LONGEST) -> str:
    """Return the report in at most ``longest`` characters; what didn't fit is counted and named by component."""
    head = "\n".join(_head(report))
    # Kept back for the heading and the remainder of each component, and for the last words.
    components = list(dict.fromkeys(resource["component"] for resource in report["resources"]))
    room = longest - len(head) - 120 * len(components) - 300
    blocks = _fitting(report, room)
    body = "\n".join(part for component in components for part in _component(component, report["resources"], blocks))
    return f"{head}\n{body}".rstrip() + "\n"


def _head(report: Document) -> Iterator[str]:
    yield MARKER.format(report["stack"])
    yield f"## Preview of `{report['stack']}`: {report['worst'] if report['resources'] else 'no change'}"
    yield ""
    if report["resources"]:
        yield "| consequence | resources | meaning |"
        yield "|---|---:|---|"
        for consequence in sorted(Consequence, key=lambda each: -each.severity):
            if count := report["summary"][consequence.value]:
                yield f"| **{consequence.value}** | {count} | {_MEANING[consequence]} |"
        yield ""
    yield f"{report['unchanged']} resources stay as they are. Secrets are masked."


def _fitting(report: Document, room: int) -> dict[str, str]:
    """Return the text of each resource that has room, the gravest first; in full, else without its fields."""
    blocks: dict[str, str] = {}
    names = {resource["urn"]: _title(resource) for resource in report["resources"]}
    for resource in sorted(report["resources"], key=lambda each: -_severity(each)):
        for lines in (_full(resource, names), _short(resource)):
            text = "\n".join(lines)
            if len(text) + 1 <= room:
                blocks[resource["urn"]] = text
                room -= len(text) + 1
                break
    return blocks


def _component(component: str, resources: Sequence[Resource], blocks: Mapping[str, str]) -> Iterator[str]:
    own = [resource for resource in resources if resource["component"] == component]
    yield f"\n### {component}\n"
    for resource in sorted(own, key=lambda each: -_severity(each)):
        if resource["urn"] in blocks:
            yield blocks[resource["urn"]]
    if left := [resource for resource in own if resource["urn"] not in blocks]:
        worst = max(left, key=_severity)["consequence"]
        yield f"*{len(left)} more did not fit this comment, at worst {worst}; the JSON report has them.*"


def _full(resource: Resource, names: Mapping[str, str]) -> Iterator[str]:
    (first,) = _short(resource)
    waits = [names[urn] for urn in resource["waitsFor"]]
    yield f"{first} After {', '.join(waits)}." if waits else first
    if resource["fields"]:
        yield f"\n<details><summary>{len(resource['fields'])} changed</summary>\n"
        yield from _table(resource["fields"])
        yield from (line for field in resource["fields"] for line in _text_diff(field))
        yield "</details>\n"


def _short(resource: Resource) -> Iterator[str]:
    state = ", holds state" if resource["holdsState"] and _severity(resource) else ""
    protected = (
        ", **protected: the update is refused until that is lifted**"
        if resource["protected"] and resource["operation"] in {"delete", "replace"}
        else ""
    )
    yield (
        f"- {_title(resource)}: **{resource['consequence']}**{state}{protected}. "
        f"{html.escape(' '.join(resource['reasons']))}"
    )


def _title(resource: Resource) -> str:
    kind = resource["kind"].rpartition("/")[2]
    return f"`{_SIGNS[resource['operation']]} {kind}` {code(resource['object'])}"


def _table(fields: Sequence[Field]) -> Iterator[str]:
    yield "| field | before | after | consequence |"
    yield "|---|---|---|---|"
    for field in fields:
        cells = [code(field["path"]), _side(field, "before"), _side(field, "after"), field["consequence"]]
        yield f"| {' | '.join(cells)} |"
    yield ""


def _side(field: Mapping[str, Any], side: str) -> str:
    if side not in field:
        return "—"
    if _is_text(field.get("before")) and _is_text(field.get("after")):
        return f"{str(field[side]).count(chr(10))} lines, below"
    value = field[side]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    if len(text) <= _LONGEST_VALUE:
        return code(text)
    half = _LONGEST_VALUE // 2
    return f"{code(text[:half] + ' … ' + text[-half:])} ({len(text)} characters)"


def _text_diff(field: Mapping[str, Any]) -> Iterator[str]:
    """Yield the diff of a value of several lines, such as a file in a ConfigMap."""
    before, after = field.get("before"), field.get("after")
    if not (_is_text(before) and _is_text(after)):
        return
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))[2:]
    text = "\n".join(lines)
    folded = "" if len(text) <= _LONGEST_TEXT else f"\n… {len(text) - _LONGEST_TEXT} characters more"
    yield f"{code(field['path'])}\n\n{_fence(text[:_LONGEST_TEXT] + folded)}\n"


def _is_text(value: Any) -> TypeGuard[str]:  # noqa: ANN401 - any JSON value
    return isinstance(value, str) and "\n" in value


def _fence(text: str) -> str:
    """Return a code block whose fence is longer than any in the text, so that the text can't end it."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}diff\n{text}\n{fence}"


def code(text: str) -> str:
    """Return text as code in a table's cell, whatever it holds."""
    escaped = html.escape(text, quote=False).replace("|", "&#124;").replace("\n", "⏎").replace("`", "&#96;")
    return f"<code>{escaped}</code>"


def _severity(resource: Resource) -> int:
    return Consequence(resource["consequence"]).severity
