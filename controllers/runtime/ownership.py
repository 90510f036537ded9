"""Makes the fields of a created object over to server-side apply.

Who creates an object owns its fields by an ``Update``, and an ``Apply`` takes away only what an ``Apply`` has set: what
is declared no longer would stay for ever. client-go does the same where it changes from one to the other
(``util/csaupgrade``, 0.36).
"""

from typing import Any

import msgspec
from lightkube import AsyncClient
from lightkube.core.resource import NamespacedResource
from lightkube.models.meta_v1 import ManagedFieldsEntry
from lightkube.types import PatchType

from controllers.runtime.store import metadata_of


async def make_over(client: AsyncClient, item: NamespacedResource, manager: str) -> None:
    """Turn what ``manager`` owns of an object since it was created into what it has applied, if that wasn't done yet.

    Raises `lightkube.ApiError` 409 when the object has changed meanwhile.
    """
    metadata = metadata_of(item)
    name, namespace = metadata.name or "", metadata.namespace
    live = metadata_of(await client.get(type(item), name, namespace=namespace))
    entries = live.managedFields or []
    if not any(_is_creation(entry, manager) for entry in entries):
        return
    applied: list[Any] = [
        msgspec.structs.replace(entry, operation="Apply") if _is_creation(entry, manager) else entry
        for entry in entries
    ]
    change = {
        "/metadata/resourceVersion": live.resourceVersion,
        "/metadata/managedFields": msgspec.to_builtins(applied),
    }
    patch = [{"op": "replace", "path": path, "value": value} for path, value in change.items()]
    await client.patch(type(item), name, patch, namespace=namespace, patch_type=PatchType.JSON)


def _is_creation(entry: ManagedFieldsEntry, manager: str) -> bool:
    return (entry.manager, entry.operation, entry.subresource or "") == (manager, "Update", "")
