"""A Website as the controller sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lightkube.generic_resource import (
    GenericNamespacedResource,
    create_namespaced_resource,  # pyright: ignore[reportUnknownVariableType]  one parameter has no type
)
from lightkube.models.meta_v1 import OwnerReference

from controllers.website.names import GROUP, KIND, PLURAL, VERSION

WebsiteResource: type[GenericNamespacedResource] = create_namespaced_resource(GROUP, VERSION, KIND, PLURAL)


@dataclass(frozen=True)
class Website:
    """What the controller needs of a Website. The API server has validated it and filled the defaults in."""

    name: str
    namespace: str
    uid: str
    generation: int
    git_repo: str
    ref: str
    path: str
    replicas: int
    host: str | None
    deleting: bool
    status: Mapping[str, Any]

    @classmethod
    def from_object(cls, body: Mapping[str, Any]) -> "Website":
        """Read a Website as the API server returns it."""
        metadata, spec = body["metadata"], body["spec"]
        return cls(
            name=metadata["name"],
            namespace=metadata["namespace"],
            uid=metadata["uid"],
            generation=metadata["generation"],
            git_repo=spec["gitRepo"],
            ref=spec["ref"],
            path=spec["path"],
            replicas=spec["replicas"],
            host=spec.get("host"),
            deleting="deletionTimestamp" in metadata,
            status=body.get("status") or {},
        )

    def owner_reference(self) -> OwnerReference:
        """Return the reference by which children belong to this Website and are deleted with it."""
        return OwnerReference(apiVersion=f"{GROUP}/{VERSION}", kind=KIND, name=self.name, uid=self.uid, controller=True)
