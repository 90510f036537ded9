"""What is in a namespace, without what differs between two runs that did the same."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any, cast

from tests.faults.controllers.calls import ASIDE, is_named_after

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.faults.controllers.api import Object, Resource
    from tests.faults.controllers.lab import Lab

State = dict[str, Any]

# What the API server or the cluster chooses, and when.
_CHOSEN = frozenset(
    {"uid", "clusterIP", "clusterIPs", "nodePort", "resourceVersion", "creationTimestamp", "managedFields", "selfLink"}
    | {"lastTransitionTime", "generation", "deletionTimestamp", "deletionGracePeriodSeconds"}
)
_KEPT_METADATA = ("name", "labels", "annotations", "finalizers", "ownerReferences")
# Counts rollouts, and two runs may roll two changes out in one go or one by one.
_REVISION = "deployment.kubernetes.io/revision"
# A hash over the children, owners' UIDs included.
_HASH = re.compile(r"[0-9a-f]{16,}")
# Field of a status that names pods, whose names are random; how many they are must be the same.
_PODS = "nodes"


async def resources_of(lab: Lab) -> list[Resource]:
    """Return the kinds that the controller may create, and its own."""
    created = [kind for kind in await lab.kinds("create") if kind.plural not in ASIDE]
    return sorted({lab.subject.resource, *created})


async def state_of(lab: Lab, resources: Iterable[Resource], name: str) -> State:
    """Return everything of that name, or named after it, by kind and name; names and namespace are masked."""
    kinds = list(resources)
    listed = await asyncio.gather(*(lab.api.list(kind, lab.namespace) for kind in kinds))
    named = {
        kind: [item for item in items if is_named_after(item["metadata"]["name"], name)]
        for kind, items in zip(kinds, listed, strict=True)
    }
    owners = {item["metadata"]["uid"]: item["metadata"]["name"] for items in named.values() for item in items}
    text = json.dumps(
        {
            f"{kind.plural}/{item['metadata']['name']}": _normal(item, owners, own=kind == lab.subject.resource)
            for kind, items in named.items()
            for item in items
        },
        sort_keys=True,
    )
    # Whole words only: a random suffix may hold a short name by chance.
    text = re.sub(rf"\b{re.escape(name)}\b", "NAME", text.replace(lab.namespace, "NAMESPACE"))
    return json.loads(text)


def _normal(item: Object, owners: Mapping[str, str], *, own: bool) -> Object:
    metadata = {key: item["metadata"][key] for key in _KEPT_METADATA if key in item["metadata"]}
    if own:
        metadata["generation"] = item["metadata"]["generation"]
    if "ownerReferences" in metadata:
        # An owner that isn't there (any more) shows: the garbage collector would delete the object.
        metadata["ownerReferences"] = [
            {**owner, "owner": owners.get(owner["uid"], "unknown")} for owner in metadata["ownerReferences"]
        ]
    if "annotations" in metadata:
        notes = {key: value for key, value in metadata["annotations"].items() if key != _REVISION}
        metadata["annotations"] = {key: _HASH.sub("HASH", value) for key, value in notes.items()}
    normal: Object = {
        "metadata": _without_chosen(metadata, keep="generation"),
        "spec": _without_chosen(item.get("spec")),
    }
    if "deletionTimestamp" in item["metadata"]:
        normal["deleting"] = True
    if own:
        status = _without_chosen(item.get("status", {}))
        normal["status"] = {**status, _PODS: len(status[_PODS])} if _PODS in status else status
    return normal


def _without_chosen(value: object, keep: str = "") -> Any:
    if isinstance(value, dict):
        items = cast("dict[str, object]", value).items()
        return {key: _without_chosen(each) for key, each in items if key not in _CHOSEN or key == keep}
    if isinstance(value, list):
        return [_without_chosen(each) for each in cast("list[object]", value)]
    return value


def difference(wanted: State, found: State) -> str:
    """Return what differs, object by object; empty when nothing does."""
    lines: list[str] = []
    for key in sorted(wanted.keys() | found.keys()):
        if wanted.get(key) != found.get(key):
            lines += [
                f"{key}:",
                f"  undisturbed: {json.dumps(wanted.get(key))}",
                f"  now:         {json.dumps(found.get(key))}",
            ]
    return "\n".join(lines)
