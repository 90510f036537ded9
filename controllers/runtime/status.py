"""Writing the status of the object that a controller reconciles."""

from typing import Any, cast

from lightkube.core.resource import api_info
from lightkube.generic_resource import GenericNamespacedResource
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.types import PatchType

from controllers.runtime.cluster import Cluster


async def write_status(cluster: Cluster, item: GenericNamespacedResource, status: dict[str, Any]) -> None:
    """Write ``status`` of ``item`` if it is another one than what ``item`` has."""
    if status == cast("object", item.status):
        return
    resource, definition = type(item), api_info(item).resource
    metadata = item.metadata or ObjectMeta()
    patch = resource.Status(
        apiVersion=definition.api_version,
        kind=definition.kind,
        # The UID keeps the status of a deleted object off a new one of the same name.
        metadata=ObjectMeta(name=metadata.name, namespace=metadata.namespace, uid=metadata.uid),
        status=status,
    )
    # By `patch`, since lightkube's `apply` doesn't take the status of a generic resource.
    written = await cluster.client.patch(
        resource.Status,
        metadata.name or "",
        patch,
        namespace=metadata.namespace,
        patch_type=PatchType.APPLY,
        force=True,
    )
    cluster.wrote(resource.from_dict(cast("dict[str, Any]", written)))
