"""What somebody changed in the cluster behind the program's back."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from delivery.changes import ABSENT, Change, differences, is_map
from delivery.errors import DeliveryError
from delivery.managed_fields import Manager, managers_of
from delivery.markdown import code
from delivery.preview import kind_of
from delivery.secrets import MASK, masked_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# What the API server and the plugin write by themselves.
_SERVERS: Final = {("metadata", name) for name in (
    "creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid",
)}  # fmt: skip


@dataclass(frozen=True)
class DriftedField:
    """One field that is not as declared."""

    change: Change
    """From what was declared to what is there."""
    managers: tuple[Manager, ...]
    """Who wrote it, the latest first; empty where the cluster doesn't say."""


@dataclass(frozen=True)
class Drifted:
    """One resource that is not as declared; ``fields`` is empty for one that is gone."""

    urn: str
    kind: str
    object: str
    fields: tuple[DriftedField, ...]

    @property
    def gone(self) -> bool:
        """Whether somebody deleted it."""
        return not self.fields


def drift(text: str, managed: Mapping[str, list[dict[str, Any]]]) -> list[Drifted]:
    """Return what a refresh found.

    Args:
        text: output of `pulumi refresh --preview-only --json`.
        managed: ``managedFields`` of the live objects by URN.

    Raises:
        DeliveryError: the text is something else, or the refresh failed.

    """
    return [_drifted(step, managed.get(step["urn"], [])) for step in _steps(text)]


def refresh() -> tuple[str, dict[str, list[dict[str, Any]]]]:
    """Compare the selected stack with its cluster, changing neither, and ask the cluster who wrote what differs."""
    command = ["pulumi", "refresh", "--preview-only", "--json", "--non-interactive"]
    text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout
    return text, {step["urn"]: _managed_fields(step) for step in _steps(text) if step["op"] == "update"}


def _steps(text: str) -> list[dict[str, Any]]:
    try:
        document = cast("dict[str, Any]", json.loads(text))
        steps = cast("list[dict[str, Any]]", document["steps"])
    except (ValueError, KeyError, TypeError) as error:
        raise DeliveryError("This is no output of `pulumi refresh --preview-only --json`.") from error
    if failures := [each["message"] for each in document.get("diagnostics", []) if each.get("severity") == "error"]:
        raise DeliveryError("The refresh failed:\n" + "\n".join(str(each).strip() for each in failures))
    return [step for step in steps if step["op"] in {"update", "delete"}]


def _drifted(step: Mapping[str, Any], managed: list[dict[str, Any]]) -> Drifted:
    old = cast("dict[str, Any]", step["oldState"])
    kind = kind_of(old)
    metadata = cast("dict[str, str]", (old.get("inputs") or {}).get("metadata") or {})
    return Drifted(
        urn=step["urn"],
        kind=kind,
        object="/".join(filter(None, (metadata.get("namespace"), metadata.get("name")))) or str(old.get("id", "")),
        fields=() if step["op"] == "delete" else tuple(_fields(step, kind, managed)),
    )


def _fields(step: Mapping[str, Any], kind: str, managed: list[dict[str, Any]]) -> Iterator[DriftedField]:
    """Yield what the live object has otherwise than declared, and then what else changed in it."""
    before, after = (cast("dict[str, Any]", step[side].get("outputs") or {}) for side in ("oldState", "newState"))
    found = [change for change in differences(before, after) if not _by_servers(change)]
    for change in found:
        masked = Change(change.path, masked_at(kind, change.path, change.old), masked_at(kind, change.path, change.new))
        yield DriftedField(masked, tuple(managers_of(managed, change.path)))
    if not found:
        # Only secrets differ, which the engine masks alike: it at least says where.
        for field in sorted(cast("dict[str, Any]", step.get("detailedDiff") or {"unknown": {}})):
            path = tuple(field.split("."))
            yield DriftedField(Change(path, MASK, MASK), tuple(managers_of(managed, path)))


def _by_servers(change: Change) -> bool:
    return change.path[:2] in _SERVERS or change.path[0].startswith("__") or change.path[0] == "status"


def _managed_fields(step: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Ask the cluster of the current kubeconfig context; who may not read it gets no names, and still the drift."""
    inputs = cast("dict[str, Any]", step["newState"].get("inputs") or {})
    group, _, version = inputs.get("apiVersion", "").rpartition("/")
    if not is_map(inputs.get("metadata")) or "kind" not in inputs:
        return []
    kind = f"{inputs['kind']}.{version}.{group}" if group else inputs["kind"]
    metadata = inputs["metadata"]
    where = ["--namespace", metadata["namespace"]] if "namespace" in metadata else []
    # Only this one field: a Secret's content must not even be read.
    command = ["kubectl", "get", kind, metadata["name"], *where, "--show-managed-fields"]
    command += ["--output=jsonpath={.metadata.managedFields}"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(run.stdout) if run.returncode == 0 and run.stdout else []


def repair() -> int:
    """Put back what was declared; return the exit code of the update."""
    command = ["pulumi", "up", "--yes", "--skip-preview", "--refresh", "--non-interactive"]
    return subprocess.run(command, check=False).returncode


def adopt() -> int:
    """Take what is in the cluster over into the state, and preview what the program still declares otherwise.

    Return 0 when it declares nothing otherwise any more: until then the next update would put it back.
    """
    command = ["pulumi", "refresh", "--yes", "--skip-preview", "--non-interactive"]
    if failed := subprocess.run(command, check=False).returncode:
        return failed
    command = ["pulumi", "preview", "--diff", "--expect-no-changes", "--non-interactive"]
    return subprocess.run(command, check=False).returncode


def as_lines(found: list[Drifted]) -> Iterator[str]:
    """Yield the drift as Markdown."""
    yield f"## Drift: {len(found)} resource{'' if len(found) == 1 else 's'} not as declared" if found else "## No drift"
    for each in found:
        yield f"\n### `{each.kind.rpartition('/')[2]}` {each.object}\n"
        yield f"`{each.urn}`\n"
        if each.gone:
            yield "Somebody deleted it."
            continue
        yield "| field | declared | in the cluster | by whom |"
        yield "|---|---|---|---|"
        for field in each.fields:
            by = "; ".join(map(str, field.managers)) or "the cluster doesn't say"
            yield f"| {code(field.change.text)} | {_side(field.change.old)} | {_side(field.change.new)} | {code(by)} |"
    if found:
        yield "\n`python -m delivery repair` puts it back, `python -m delivery adopt` takes it over."


def as_document(found: list[Drifted]) -> list[dict[str, Any]]:
    """Return the drift as JSON values."""
    return [
        {
            "urn": each.urn,
            "kind": each.kind,
            "object": each.object,
            "gone": each.gone,
            "fields": [
                {
                    "path": field.change.text,
                    **({} if field.change.old is ABSENT else {"declared": field.change.old}),
                    **({} if field.change.new is ABSENT else {"found": field.change.new}),
                    "managers": [vars(manager) for manager in field.managers],
                }
                for field in each.fields
            ],
        }
        for each in found
    ]


def _side(value: Any) -> str:  # noqa: ANN401 - any JSON value
    return "—" if value is ABSENT else code(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
