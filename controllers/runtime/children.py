"""Children: created, then kept by server-side apply. Written when they differ, never taken over from others."""

import hashlib
import logging
from typing import TypeVar, cast

import msgspec
from lightkube import ApiError
from lightkube.core.resource import NamespacedResource, api_info
from lightkube.models.meta_v1 import OwnerReference
from lightkube.utils.quantity import parse_quantity

from controllers.runtime.cluster import Cluster
from controllers.runtime.keys import own_key
from controllers.runtime.ownership import make_over
from controllers.runtime.store import metadata_of

# Their values are quantities, which the API server writes in its own way: "1000m" becomes "1".
_QUANTITIES = ("requests", "limits")

# Answers that mean "not this object": bad request, forbidden (RBAC, quota), unprocessable.
# All others, as 401, 409, 429 or 5xx, say nothing about the object: it is retried and its status left alone.
_REFUSALS = (400, 403, 422)
# The reason of a 409 that says so; others come from quotas.
_EXISTS = "AlreadyExists"

R = TypeVar("R", bound=NamespacedResource)

logger = logging.getLogger(__name__)


class ForeignObjectError(Exception):
    """An object of a child's name exists and belongs to somebody else; the message says which."""


def refusal(error: ApiError | ForeignObjectError) -> tuple[str, str] | None:
    """Return the reason and the message for the owner's status; ``None``: the error may pass without anybody's help."""
    if isinstance(error, ForeignObjectError):
        return "NameConflict", str(error)
    if error.status.code in _REFUSALS:
        return error.status.reason or "Refused", str(error)
    return None


def is_controlled_by(item: NamespacedResource, owner_uid: str) -> bool:
    """Tell whether the object with this UID controls ``item``."""
    return any(owner.uid == owner_uid for owner in _controllers(item))


def refuse_foreign(live: NamespacedResource, desired: NamespacedResource) -> None:
    """Raise `ForeignObjectError` when ``live`` isn't controlled by the one that is to control ``desired``."""
    controllers = _controllers(live)
    if any(is_controlled_by(live, owner.uid) for owner in _controllers(desired)):
        return
    metadata = metadata_of(live)
    name = f"{api_info(live).resource.kind} {metadata.namespace}/{metadata.name}"
    whose = f"belongs to {controllers[0].kind} {controllers[0].name}" if controllers else "has no such owner"
    raise ForeignObjectError(f"{name} already exists and {whose}; it is left alone until it is deleted or renamed")


async def ensure(cluster: Cluster, desired: R, *, hash_annotation: str) -> R:
    """Create ``desired``, or apply it if what is there differs from it, and return what is then in the cluster.

    What the cache hasn't is created, which never touches an object that is there; raises `ForeignObjectError` when that
    one belongs to somebody else.

    ``desired`` gets its own hash as ``hash_annotation``: fields that a later version of a controller no longer declares
    aren't seen by comparing, but the hash changes with them.
    """
    metadata = metadata_of(desired)
    metadata.annotations = {**(metadata.annotations or {}), hash_annotation: _digest(desired)}
    live = cluster.cached(type(desired), own_key(metadata))
    if live is None:
        try:
            return _told(await cluster.create(desired))
        except ApiError as error:
            if error.status.reason != _EXISTS:
                raise
        # It is new and its event isn't here yet, or it is somebody else's.
        live = await cluster.client.get(type(desired), metadata.name or "", namespace=metadata.namespace)
    refuse_foreign(live, desired)
    if covers(_declared(live), _declared(desired)):
        return live
    await make_over(cluster.client, live, cluster.controller)
    # The UID makes the API server refuse if the object was deleted and made anew since we looked.
    metadata.uid = metadata_of(live).uid
    applied = await cluster.client.apply(desired, force=True)
    cluster.wrote(applied)
    return _told(applied)


def _told(written: R) -> R:
    logger.info("applied %s %s", written.kind, own_key(metadata_of(written)))
    return written


def _controllers(item: NamespacedResource) -> list[OwnerReference]:
    return [owner for owner in metadata_of(item).ownerReferences or [] if owner.controller]


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
    return hashlib.sha256(msgspec.json.encode(_content(item), order="sorted")).hexdigest()[:16]


def _content(item: NamespacedResource) -> dict[str, object]:
    return cast("dict[str, object]", msgspec.to_builtins(item))
