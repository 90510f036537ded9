"""Children by server-side apply: written only when they differ, never taken over from somebody else."""

import hashlib
import json
from typing import TypeVar, cast

import msgspec
from lightkube.core.resource import NamespacedResource, api_info
from lightkube.utils.quantity import parse_quantity

from controllers.runtime.cluster import Cluster
from controllers.runtime.store import metadata_of

# Their values are quantities, which the API server writes in its own way: "1000m" becomes "1".
_QUANTITIES = ("requests", "limits")

R = TypeVar("R", bound=NamespacedResource)


class ForeignObjectError(Exception):
    """An object of a child's name exists and belongs to somebody else; the message says which."""


def refuse_foreign(live: NamespacedResource | None, owner_uid: str) -> None:
    """Raise `ForeignObjectError` when ``live`` exists and isn't controlled by the object with this UID."""
    if live is None:
        return
    metadata = metadata_of(live)
    controllers = [owner for owner in metadata.ownerReferences or [] if owner.controller]
    if any(owner.uid == owner_uid for owner in controllers):
        return
    name = f"{api_info(live).resource.kind} {metadata.namespace}/{metadata.name}"
    whose = f"belongs to {controllers[0].kind} {controllers[0].name}" if controllers else "has no such owner"
    raise ForeignObjectError(f"{name} already exists and {whose}; it is left alone until it is deleted or renamed")


async def ensure(cluster: Cluster, desired: R, live: R | None, *, hash_annotation: str) -> R:
    """Apply ``desired`` if ``live`` differs from it, and return what is then in the cluster.

    ``desired`` gets its own hash as ``hash_annotation``: fields that a later version of a controller no
    longer declares aren't seen by comparing, but the hash changes with them.
    """
    metadata = metadata_of(desired)
    metadata.annotations = {**(metadata.annotations or {}), hash_annotation: _digest(desired)}
    if live is None:
        # Without force: what somebody else made since we looked is a conflict, not ours to overwrite.
        return await cluster.client.apply(desired)
    if covers(_declared(live), _declared(desired)):
        return live
    # The UID makes the API server refuse if the object was deleted and made anew since we looked.
    metadata.uid = metadata_of(live).uid
    applied = await cluster.client.apply(desired, force=True)
    cluster.wrote(applied)
    return applied


def covers(live: object, desired: object) -> bool:
    """Tell whether ``live`` has everything in ``desired``; what the server or others added doesn't matter.

    A list of objects covers another when it holds a counterpart for each, since Kubernetes keys such lists
    by name and lets other owners add entries. Lists of plain values must be equal.
    """
    if isinstance(desired, dict) and isinstance(live, dict):
        have, want = cast("dict[str, object]", live), cast("dict[str, object]", desired)
        return all(key in have and _covers_field(key, have[key], value) for key, value in want.items())
    if isinstance(desired, list) and isinstance(live, list):
        items, wanted = cast("list[object]", live), cast("list[object]", desired)
        if any(isinstance(one, dict | list) for one in wanted):
            return all(any(covers(item, one) for item in items) for one in wanted)
    return live == desired


def _covers_field(name: str, live: object, desired: object) -> bool:
    if name not in _QUANTITIES:
        return covers(live, desired)
    have, want = cast("dict[str, object]", live), cast("dict[str, object]", desired)
    return all(key in have and _quantity(have[key]) == _quantity(value) for key, value in want.items())


def _quantity(value: object) -> object:
    return parse_quantity(str(value))


def _declared(item: NamespacedResource) -> dict[str, object]:
    """Return what is compared: the owner was checked before, and others may add owners of theirs."""
    content = _content(item)
    metadata = cast("dict[str, object]", content["metadata"])
    content["metadata"] = {key: metadata[key] for key in ("labels", "annotations") if key in metadata}
    return content


def _digest(item: NamespacedResource) -> str:
    return hashlib.sha256(json.dumps(_content(item), sort_keys=True).encode()).hexdigest()[:16]


def _content(item: NamespacedResource) -> dict[str, object]:
    return cast("dict[str, object]", msgspec.to_builtins(item))
