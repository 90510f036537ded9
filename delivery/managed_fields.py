"""Who wrote a field last, and when: what the API server keeps in `metadata.managedFields`.

The format is that of Kubernetes' server-side apply (FieldsV1 of sigs.k8s.io/structured-merge-diff v6): ``f:name`` is a
field, ``k:{…}`` an element of a list by its keys, ``v:…`` one by its value, ``.`` the element itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from delivery.changes import is_map

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from delivery.changes import Path


@dataclass(frozen=True)
class Manager:
    """Who wrote a field."""

    name: str
    operation: str
    """``Apply`` or ``Update``."""
    time: str | None
    """When that manager last changed anything of the object, RFC 3339; the API server leaves it out for ``/scale``."""
    subresource: str = ""

    def __str__(self) -> str:
        what = f"{self.name} ({self.operation}{f' of {self.subresource}' if self.subresource else ''})"
        return f"{what}, {self.time}" if self.time else what


def managers_of(managed: Sequence[Mapping[str, Any]], path: Path) -> list[Manager]:
    """Return who owns a field or something in it, the latest first."""
    found = [_manager(entry) for entry in managed if _owns(entry.get("fieldsV1") or {}, path)]
    # One without a time is the answer of a subresource, which nobody but its caller writes.
    return sorted(found, key=lambda manager: manager.time or "9", reverse=True)


def _manager(entry: Mapping[str, Any]) -> Manager:
    return Manager(
        entry.get("manager", "unknown"), entry.get("operation", ""), entry.get("time"), entry.get("subresource", "")
    )


def _owns(fields: Mapping[str, Any], path: Path) -> bool:
    if not path:
        return True
    if fields == {}:
        # Owned as a whole, as lists that are replaced at once are.
        return False
    return any(fields[key] == {} or _owns(fields[key], path[1:]) for key in _matching(fields, path[0]))


def _matching(fields: Mapping[str, Any], step: str) -> Iterator[str]:
    """Yield the keys of a level that stand for one step of a path."""
    for key in fields:
        if key == f"f:{step}" or (key.startswith("k:") and _element(key) == step):
            yield key


def _element(key: str) -> str:
    """Return the step that stands for an element, ``[name]``; elements without a name can't be told by a position."""
    value: Any = json.loads(key.removeprefix("k:"))
    return f"[{value.get('name', value.get('mountPath'))}]" if is_map(value) else ""
