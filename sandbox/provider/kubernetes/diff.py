"""Compares an object's old inputs with its new ones, field by field, in the official plugin's terms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from pulumi.runtime.proto.provider_pb2 import DiffResponse, PropertyDiff

from sandbox.provider.kubernetes.objects import comparable
from sandbox.provider.kubernetes.replacement import replacing_fields, touches
from sandbox.provider.kubernetes.steering import AUTONAMED, is_true
from sandbox.provider.values import UNKNOWN, is_list, is_map

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.provider.kubernetes.replacement import Path, Pattern
    from sandbox.provider.kubernetes.settings import Settings
    from sandbox.provider.values import Json, Properties

_REPLACING: Final = {
    PropertyDiff.Kind.ADD: PropertyDiff.Kind.ADD_REPLACE,
    PropertyDiff.Kind.DELETE: PropertyDiff.Kind.DELETE_REPLACE,
    PropertyDiff.Kind.UPDATE: PropertyDiff.Kind.UPDATE_REPLACE,
}
_QUOTED: Final = frozenset('."[]')


class _Missing:
    """Stands for a field that isn't there, as opposed to one that is null."""


_MISSING: Final = _Missing()


class Change(NamedTuple):
    """A changed field: where, the value that decides what it touches, and how."""

    path: Path
    value: Json
    kind: PropertyDiff.Kind.ValueType


def diff(old: Properties, new: Properties, settings: Settings) -> DiffResponse:
    """Return what changes from old inputs to new ones, and whether that needs a new object.

    Where the new object takes the old one's place under a name that the program chose, the old one must go first.
    """
    before, after = comparable(old), comparable(new)
    found = changes(before, after)
    group, kind = _group(after), str(after["kind"])
    mutable = settings.mutable(kind) and before.get("immutable") is not True
    described = detailed(found, replacing_fields(group, kind, mutable=mutable))
    replaces = replaced(described)
    return DiffResponse(
        changes=DiffResponse.DIFF_SOME if described else DiffResponse.DIFF_NONE,
        replaces=replaces,
        deleteBeforeReplace=bool(replaces) and _same_place(before, after) and not is_true(after, AUTONAMED),
        detailedDiff=described,
        hasDetailedDiff=True,
    )


def changes(old: Properties, new: Properties) -> list[Change]:
    """Return every changed field, the deepest that differs. Lists are compared position by position."""
    return list(_map_changes((), old, new))


def detailed(found: list[Change], replacing: tuple[Pattern, ...]) -> dict[str, PropertyDiff]:
    """Return the changes as the engine wants them, those that force a replacement marked so."""
    answer: dict[str, PropertyDiff] = {}
    for path, value, kind in found:
        marked = _REPLACING[kind] if touches(replacing, path, value) else kind
        # The engine shows a deleted field's old value from the inputs, any other's from the live object.
        answer[text_of(path)] = PropertyDiff(kind=marked, inputDiff=kind == PropertyDiff.Kind.DELETE)
    return answer


def replaced(diff: dict[str, PropertyDiff]) -> list[str]:
    """Return the fields in the diff that force a replacement."""
    return [path for path, change in diff.items() if change.kind in _REPLACING.values()]


def text_of(path: Path) -> str:
    """Return the path as Pulumi writes it: `spec.ports[0].name`, `metadata.labels["a.b/c"]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _QUOTED & set(step):
            escaped = step.replace('"', '\\"')
            text += f'["{escaped}"]'
        else:
            text += f".{step}" if text else step
    return text


def _group(body: Properties) -> str:
    return str(body["apiVersion"]).rpartition("/")[0]


def _same_place(old: Properties, new: Properties) -> bool:
    return all(old["metadata"].get(key) == new["metadata"].get(key) for key in ("name", "namespace"))


def _map_changes(path: Path, old: Properties, new: Properties) -> Iterator[Change]:
    for name in sorted({*old, *new}):
        yield from _value_changes((*path, name), old.get(name, _MISSING), new.get(name, _MISSING))


def _list_changes(path: Path, old: list[Json], new: list[Json]) -> Iterator[Change]:
    for index in range(max(len(old), len(new))):
        before = old[index] if index < len(old) else _MISSING
        after = new[index] if index < len(new) else _MISSING
        yield from _value_changes((*path, index), before, after)


def _value_changes(path: Path, old: Json, new: Json) -> Iterator[Change]:
    if old is _MISSING:
        yield Change(path, new, PropertyDiff.Kind.ADD)
    elif new is _MISSING:
        yield Change(path, old, PropertyDiff.Kind.DELETE)
    elif is_map(old) and is_map(new):
        yield from _map_changes(path, old, new)
    elif is_list(old) and is_list(new):
        yield from _list_changes(path, old, new)
    elif new is UNKNOWN or old != new or isinstance(old, bool) != isinstance(new, bool):
        yield Change(path, new, PropertyDiff.Kind.UPDATE)
