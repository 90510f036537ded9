"""Keys: what events enqueue and what ``reconcile`` gets."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Body = Mapping[str, Any]


class Key(NamedTuple):
    """Names one object of the kind that a controller reconciles."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


KeyOf = Callable[[Body], Key | None]


def own_key(body: Body) -> Key | None:
    """Return the key of the object itself."""
    metadata = body["metadata"]
    return Key(metadata["namespace"], metadata["name"])


def key_of_controlling(kind: str, label: str) -> KeyOf:
    """Return a function that finds which object of ``kind`` a child belongs to.

    The controlling owner reference says so; a child that lost it by hand still carries its owner's name
    in ``label``.
    """

    def key(body: Body) -> Key | None:
        metadata = body["metadata"]
        owners = [o["name"] for o in metadata.get("ownerReferences", ()) if o.get("controller") and o["kind"] == kind]
        name = owners[0] if owners else metadata.get("labels", {}).get(label)
        return Key(metadata["namespace"], name) if name else None

    return key
