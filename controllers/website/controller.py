"""Reconciling one Website."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from lightkube import ApiError
from lightkube.core.resource import NamespacedResource
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Service
from lightkube.resources.networking_v1 import Ingress
from lightkube.types import PatchType

from controllers.runtime.children import ForeignObjectError, ensure, refuse_foreign
from controllers.runtime.cluster import Cluster
from controllers.runtime.controller import Controller, Watch
from controllers.runtime.keys import Key, key_of_controlling
from controllers.runtime.store import metadata_of
from controllers.website import manifests
from controllers.website.model import Website, WebsiteResource
from controllers.website.names import (
    CONTROLLER,
    GROUP,
    HASH_ANNOTATION,
    INSTANCE_LABEL,
    KIND,
    MANAGED_BY_LABEL,
    VERSION,
    child_name,
)
from controllers.website.pods import Images
from controllers.website.status import Status, failed_status, status_of

# Answers that mean "not this object": bad request, forbidden (RBAC, quota), unprocessable.
# All others, as 401, 409, 429 or 5xx, say nothing about the Website: it is retried and its status left alone.
REFUSALS = (400, 403, 422)

CHILDREN: tuple[type[NamespacedResource], ...] = (Deployment, Service, Ingress)

R = TypeVar("R", bound=NamespacedResource)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Children:
    """What is in the cluster under a Website's names."""

    deployment: Deployment | None
    service: Service | None
    ingress: Ingress | None


@dataclass(frozen=True)
class WebsiteController(Controller):
    """Keeps each Website's Deployment, Service and Ingress as its spec says."""

    images: Images
    domain: str
    """DNS domain of the cluster."""

    @property
    def name(self) -> str:
        """Return the field manager's name."""
        return CONTROLLER

    @property
    def primary(self) -> Watch:
        """Return the watch of Websites."""
        return Watch(WebsiteResource)

    @property
    def children(self) -> Sequence[Watch]:
        """Return the watches of the three kinds of children."""
        key_of = key_of_controlling(KIND, INSTANCE_LABEL)
        return [Watch(resource, key_of, {MANAGED_BY_LABEL: CONTROLLER}) for resource in CHILDREN]

    async def reconcile(self, cluster: Cluster, key: Key) -> None:
        """Put the children of one Website in place and write its status if it has changed."""
        body = cluster.cached(WebsiteResource, key)
        if body is None:
            return  # the garbage collector deletes the children
        website = Website.from_object(body)
        if website.deleting:
            return
        try:
            status = await self._put_in_place(cluster, website)
        except ForeignObjectError as error:
            await _write_status(cluster, website, failed_status(website, "NameConflict", str(error), _now()))
            raise
        except ApiError as error:
            if error.status.code in REFUSALS:
                reason = error.status.reason or "Refused"
                await _write_status(cluster, website, failed_status(website, reason, str(error), _now()))
            raise
        await _write_status(cluster, website, status)

    async def _put_in_place(self, cluster: Cluster, website: Website) -> Status:
        live = await _look(cluster, website)
        # All three before the first write: with a foreign object among them nothing is touched.
        for child in (live.deployment, live.service, live.ingress):
            refuse_foreign(child, website.uid)
        deployment = await _ensure(cluster, manifests.deployment(website, self.images), live.deployment)
        await _ensure(cluster, manifests.service(website), live.service)
        if website.host:
            await _ensure(cluster, manifests.ingress(website, website.host), live.ingress)
        elif live.ingress:
            await cluster.delete(live.ingress)
        return status_of(website, deployment, self.domain, _now())


async def _look(cluster: Cluster, website: Website) -> Children:
    key = Key(website.namespace, child_name(website.name))
    return Children(
        deployment=await cluster.find(Deployment, key),
        service=await cluster.find(Service, key),
        ingress=await cluster.find(Ingress, key) if website.host else cluster.cached(Ingress, key),
    )


async def _ensure(cluster: Cluster, desired: R, live: R | None) -> R:
    applied = await ensure(cluster, desired, live, hash_annotation=HASH_ANNOTATION)
    if applied is not live:
        metadata = metadata_of(applied)
        logger.info("applied %s %s/%s", applied.kind, metadata.namespace, metadata.name)
    return applied


async def _write_status(cluster: Cluster, website: Website, status: Status) -> None:
    if status == website.status:
        return
    patch = WebsiteResource.Status(
        apiVersion=f"{GROUP}/{VERSION}",
        kind=KIND,
        # The UID keeps the status of a deleted Website off a new one of the same name.
        metadata=ObjectMeta(name=website.name, namespace=website.namespace, uid=website.uid),
        status=status,
    )
    # By `patch`, since lightkube's `apply` doesn't take the status of a generic resource.
    written = await cluster.client.patch(
        WebsiteResource.Status,
        website.name,
        patch,
        namespace=website.namespace,
        patch_type=PatchType.APPLY,
        force=True,
    )
    cluster.wrote(WebsiteResource(cast("Any", written)))


def _now() -> datetime:
    return datetime.now(UTC)
