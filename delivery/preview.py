"""Reads `pulumi preview --json`: which resources change, in which fields."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

from delivery.changes import ABSENT, Change, differences
from delivery.errors import DeliveryError
from delivery.secrets import MASK, masked, masked_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Operation: TypeAlias = Literal["create", "update", "replace", "delete", "import"]

# Steps of the engine (sdk/go/common/apitype `OpType`, 3.259) and what they are for a reviewer.
_OPERATIONS: Final[dict[str, Operation]] = {
    "create": "create",
    "update": "update",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "delete": "delete",
    "import": "import",
    "import-replacement": "replace",
}
_HARMLESS: Final = {
    "same", "read", "read-replacement", "refresh", "discard", "discard-replaced", "remove-pending-replace",
}  # fmt: skip
# Computed while the update runs (sdk/go/common/resource/plugin, `UnknownStringValue`).
_UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
KNOWN_AFTER: Final = "[known after the update]"


@dataclass(frozen=True)
class Step:
    """What an update does to one resource."""

    urn: str
    type: str
    operation: Operation
    kind: str
    """Group and kind of the object: ``apps/StatefulSet``, ``core/Secret``, ``random/RandomPassword``."""
    old: Mapping[str, Any]
    """Inputs before, secrets masked; empty for a creation."""
    new: Mapping[str, Any]
    """Inputs after, secrets masked; empty for a deletion."""
    changes: tuple[Change, ...]
    """Fields that differ; none for creations and deletions."""
    parent: str
    dependencies: tuple[str, ...]
    protected: bool
    retained: bool
    """Deleting it only forgets it: the object stays in the cluster."""
    in_new_namespace: bool = False
    """The same update creates its namespace."""

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def component(self) -> str:
        """The outermost component that it belongs to, by module: ``redis``; ``stack`` for none."""
        for part in self.urn.split("::")[2].split("$"):
            if part.startswith("platform:"):
                return part.split(":")[1]
        return "stack"

    @property
    def namespace(self) -> str:
        """The object's namespace; empty for none."""
        return self._metadata.get("namespace") or ""

    @property
    def object_name(self) -> str:
        """Namespace and name in the cluster, or the name in the program for what isn't there."""
        return "/".join(filter(None, (self.namespace, self._metadata.get("name")))) or self.name

    @property
    def _metadata(self) -> Mapping[str, str]:
        return (self.new or self.old).get("metadata") or {}


@dataclass(frozen=True)
class Preview:
    """All that one preview proposes."""

    stack: str
    steps: tuple[Step, ...]
    unchanged: int


def read(text: str) -> Preview:
    """Return what a preview proposes.

    Raises:
        DeliveryError: the text is no output of `pulumi preview --json`, or that preview failed.

    """
    try:
        document = cast("dict[str, Any]", json.loads(text))
        raw = cast("list[dict[str, Any]]", document["steps"])
    except (ValueError, KeyError, TypeError) as error:
        raise DeliveryError(
            "This is no output of `pulumi preview --json`; if that command failed, its own words say why."
        ) from error
    failures = [each["message"] for each in document.get("diagnostics", []) if each.get("severity") == "error"]
    if failures:
        raise DeliveryError("The preview failed:\n" + "\n".join(str(each).strip() for each in failures))
    if strange := sorted({step["op"] for step in raw} - {*_OPERATIONS, *_HARMLESS}):
        raise DeliveryError(f"The preview has steps of a kind that this version doesn't know: {', '.join(strange)}.")
    # A replacement may show as several steps of one resource.
    steps = list({step.urn: step for step in _steps(raw)}.values())
    fresh = {step.object_name for step in steps if step.kind == "core/Namespace" and step.operation == "create"}
    return Preview(
        stack=raw[0]["urn"].split("::")[0].removeprefix("urn:pulumi:") if raw else "",
        steps=tuple(replace(step, in_new_namespace=step.namespace in fresh) for step in steps),
        unchanged=cast("dict[str, int]", document.get("changeSummary") or {}).get("same", 0),
    )


def _steps(raw: list[dict[str, Any]]) -> Iterator[Step]:
    """Yield what becomes of each object; components are only a name for what they hold."""
    for step in raw:
        operation = _OPERATIONS.get(step["op"])
        state = _state(step, "newState") or _state(step, "oldState")
        if operation and state.get("custom"):
            yield _step(step, operation, state)


def _step(raw: Mapping[str, Any], operation: Operation, state: Mapping[str, Any]) -> Step:
    kind = kind_of(state)
    # Of an import, only the new state says what is there.
    old = masked(kind, _known(_inputs(raw, "oldState"))) if operation != "create" else {}
    new = masked(kind, _known(_inputs(raw, "newState"))) if operation != "delete" else {}
    return Step(
        urn=raw["urn"],
        type=state["type"],
        operation=operation,
        kind=kind,
        old=old,
        new=new,
        changes=tuple(_changes(raw, kind)) if operation in {"update", "replace"} else (),
        parent=state.get("parent", ""),
        dependencies=tuple(state.get("dependencies") or ()),
        protected=bool(_state(raw, "oldState").get("protect")),
        retained=bool(_state(raw, "oldState").get("retainOnDelete")),
    )


def kind_of(state: Mapping[str, Any]) -> str:
    """Return group and kind of an object, or package and type for what no cluster holds."""
    inputs = _inputs({"state": state}, "state")
    if "kind" in inputs and "apiVersion" in inputs:
        return f"{str(inputs['apiVersion']).rpartition('/')[0] or 'core'}/{inputs['kind']}"
    package, _, rest = str(state["type"]).partition(":")
    return f"{package}/{rest.rsplit(':', 1)[-1]}"


def _changes(raw: Mapping[str, Any], kind: str) -> Iterator[Change]:
    """Yield what differs, secrets masked only now: else a changed one would look the same."""
    old, new = (_visible(_known(_inputs(raw, side))) for side in ("oldState", "newState"))
    replacing = [_plain(field) for field in raw.get("replaceReasons") or ()]
    found = [
        Change(
            change.path,
            masked_at(kind, change.path, change.old),
            masked_at(kind, change.path, change.new),
            replaces=any(_covers(field, _plain(change.text)) for field in replacing),
        )
        for change in differences(old, new)
        if not (_is_built_in(kind) and _both_empty(change))
    ]
    yield from found
    if not found:
        # Only secrets differ, and they are masked alike: the engine at least says where.
        fields = sorted({_plain(field).split(".")[0] for field in raw.get("detailedDiff") or ()})
        # The plugin also shows what the API server made of a field, such as `data` of a Secret's `stringData`.
        for field in [field for field in fields if field in old or field in new] or fields:
            yield Change((field,), MASK if field in old else ABSENT, MASK, replaces=field in replacing)


def _is_built_in(kind: str) -> bool:
    group = kind.rpartition("/")[0]
    return group in {"core", "apps", "batch", "policy", "autoscaling"} or group.endswith(".k8s.io")


def _both_empty(change: Change) -> bool:
    """Tell whether an empty list stands against none: the API server keeps neither, so a refresh makes them differ."""
    return all(side in ([], None) or side is ABSENT for side in (change.old, change.new))


def _visible(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what only the plugin reads: `__internal`, `__fieldManager` and the like."""
    return {name: value for name, value in inputs.items() if not name.startswith("__")}


def _plain(path: str) -> str:
    """Return a path without positions and quotes, which the engine and we write differently."""
    kept = path.replace('["', ".").replace('"]', "")
    return ".".join(part.split("[")[0] for part in kept.split("."))


def _covers(field: str, path: str) -> bool:
    return field == path or field.startswith(f"{path}.") or path.startswith(f"{field}.")


def _state(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return raw.get(name) or {}


def _inputs(raw: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return _state(raw, name).get("inputs") or {}


def _known(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {key: _known(each) for key, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_known(each) for each in cast("list[Any]", value)]
    return KNOWN_AFTER if value == _UNKNOWN else value
