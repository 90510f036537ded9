"""A Website as the controller sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from lightkube.core.resource import NamespacedResource
from lightkube.generic_resource import (
    GenericNamespacedResource,
    create_namespaced_resource,  # pyright: ignore[reportUnknownVariableType]  one parameter has no type
)
from lightkube.models.core_v1 import ObjectReference
from lightkube.models.meta_v1 import OwnerReference

from controllers.runtime.keys import Key
from controllers.website.names import GROUP, KIND, PLURAL, VERSION

WebsiteResource: type[GenericNamespacedResource] = create_namespaced_resource(GROUP, VERSION, KIND, PLURAL)
# Of the Gateway API, which lightkube has no models of.
HTTPRoute: type[NamespacedResource] = create_namespaced_resource(
    "gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes"
)


@dataclass(frozen=True)
class Gateway:
    """Which Gateway an HTTPRoute belongs to."""

    name: str
    namespace: str | None = None
    section_name: str | None = None


@dataclass(frozen=True)
class Website:
    """What the controller needs of a Website. The API server has validated it and filled the defaults in."""

    name: str
    namespace: str
    uid: str
    generation: int
    created: str
    git_repo: str
    ref: str
    path: str
    replicas: int
    credentials_secret: str | None
    sync_period: str
    resources: Mapping[str, Mapping[str, str]]
    host: str | None
    ingress_class_name: str | None
    tls_secret: str | None
    gateway: Gateway | None
    service_type: str
    deleting: bool
    body: GenericNamespacedResource
    """The whole object."""

    @classmethod
    def from_object(cls, body: Mapping[str, Any]) -> "Website":
        """Read a Website as the API server returns it."""
        metadata, spec = body["metadata"], body["spec"]
        gateway: dict[str, str] | None = spec.get("gateway")
        return cls(
            name=metadata["name"],
            namespace=metadata["namespace"],
            uid=metadata["uid"],
            generation=metadata["generation"],
            created=metadata["creationTimestamp"],
            git_repo=spec["gitRepo"],
            ref=spec["ref"],
            path=spec["path"],
            replicas=spec["replicas"],
            credentials_secret=spec.get("credentialsSecret"),
            sync_period=spec["syncPeriod"],
            resources=spec.get("resources") or {},
            host=spec.get("host"),
            ingress_class_name=spec.get("ingressClassName"),
            tls_secret=spec.get("tlsSecret"),
            gateway=Gateway(gateway["name"], gateway.get("namespace"), gateway.get("sectionName")) if gateway else None,
            service_type=spec["serviceType"],
            deleting="deletionTimestamp" in metadata,
            body=WebsiteResource(cast("Any", body)),
        )

    @property
    def status(self) -> dict[str, Any]:
        """Its status as it was last written."""
        return cast("dict[str, Any]", self.body.get("status") or {})

    @property
    def key(self) -> Key:
        """Its key in queue and caches."""
        return Key(self.namespace, self.name)

    @property
    def seniority(self) -> tuple[str, str]:
        """What the older of two Websites has less of; ``created`` is RFC 3339 in UTC, which sorts as text."""
        return self.created, self.uid

    def owner_reference(self) -> OwnerReference:
        """Return the reference by which children belong to this Website and are deleted with it."""
        return OwnerReference(apiVersion=f"{GROUP}/{VERSION}", kind=KIND, name=self.name, uid=self.uid, controller=True)

    def reference(self) -> ObjectReference:
        """Return what Events name it by."""
        return ObjectReference(
            apiVersion=f"{GROUP}/{VERSION}", kind=KIND, name=self.name, namespace=self.namespace, uid=self.uid
        )
