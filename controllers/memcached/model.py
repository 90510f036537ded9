"""A Memcached as the controller sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lightkube.generic_resource import (
    GenericNamespacedResource,
    create_namespaced_resource,  # pyright: ignore[reportUnknownVariableType]  one parameter has no type
)
from lightkube.models.meta_v1 import OwnerReference

from controllers.memcached.names import GROUP, KIND, PLURAL, VERSION

MemcachedResource: type[GenericNamespacedResource] = create_namespaced_resource(GROUP, VERSION, KIND, PLURAL)


@dataclass(frozen=True)
class Memcached:
    """What the controller needs of a Memcached. The API server has validated it and filled the defaults in."""

    name: str
    namespace: str
    uid: str
    generation: int
    size: int
    deleting: bool
    status: Mapping[str, Any]

    @classmethod
    def from_object(cls, body: Mapping[str, Any]) -> "Memcached":
        """Read a Memcached as the API server returns it."""
        metadata, spec = body["metadata"], body["spec"]
        return cls(
            name=metadata["name"],
            namespace=metadata["namespace"],
            uid=metadata["uid"],
            generation=metadata["generation"],
            size=spec["size"],
            deleting="deletionTimestamp" in metadata,
            status=body.get("status") or {},
        )

    def owner_reference(self) -> OwnerReference:
        """Return the reference by which children belong to this Memcached and are deleted with it."""
        return OwnerReference(apiVersion=f"{GROUP}/{VERSION}", kind=KIND, name=self.name, uid=self.uid, controller=True)
