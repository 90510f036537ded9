"""Keys: what events enqueue and what ``reconcile`` gets."""

from collections.abc import Callable
from typing import NamedTuple, cast

from lightkube.models.meta_v1 import ObjectMeta


class Key(NamedTuple):
    """Names one object; ``namespace`` is empty for a kind that has none."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


KeyOf = Callable[[ObjectMeta], Key | None]


def own_key(metadata: ObjectMeta) -> Key:
    """Return the key of the object itself."""
    return Key(metadata.namespace or "", metadata.name or "")


def key_of_controlling(kind: str, label: str) -> KeyOf:
    """Return a function that finds which object of ``kind`` a child belongs to.

    The controlling owner reference says so; a child that lost it by hand still carries its owner's name
    in ``label``.
    """

    def key(metadata: ObjectMeta) -> Key | None:
        labels = cast("dict[str, str]", metadata.labels or {})
        owners = [o.name for o in metadata.ownerReferences or () if o.controller and o.kind == kind]
        name = owners[0] if owners else labels.get(label)
        return Key(metadata.namespace or "", name) if name else None

    return key
