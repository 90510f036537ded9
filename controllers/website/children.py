"""The children of one Website: what is there, and what should be."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar, cast

from lightkube.core.resource import NamespacedResource
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Service
from lightkube.resources.networking_v1 import Ingress, NetworkPolicy
from lightkube.resources.policy_v1 import PodDisruptionBudget

from controllers.runtime.children import ensure, is_controlled_by
from controllers.runtime.cluster import Cluster
from controllers.runtime.keys import Key
from controllers.website import manifests, publishing
from controllers.website.model import HTTPRoute, Website
from controllers.website.names import HASH_ANNOTATION, child_name
from controllers.website.pods import PodOptions

KINDS: tuple[type[NamespacedResource], ...] = (
    Deployment,
    Service,
    NetworkPolicy,
    Ingress,
    HTTPRoute,
    PodDisruptionBudget,
)

N = TypeVar("N", bound=NamespacedResource)
T = TypeVar("T")

logger = logging.getLogger(__name__)


async def put_in_place(cluster: Cluster, website: Website, options: PodOptions, *, publish: bool) -> Deployment:
    """Make the children of ``website`` what they should be, and return its Deployment.

    Without ``publish`` its host is left alone. Raises `controllers.runtime.children.ForeignObjectError` when an object
    of a child's name belongs to somebody else; the other children are put in place.
    """
    deployment = manifests.deployment(website, options)
    others = _wanted(website, options, publish=publish)
    key = Key(website.namespace, child_name(website.name))
    children = (deployment, *others)
    made = await _all(ensure(cluster, child, hash_annotation=HASH_ANNOTATION) for child in children)
    await _delete_others(cluster, website, key, {type(child) for child in children})
    return cast("Deployment", made[0])


async def _all(calls: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Return the results of ``calls``, made at the same time; the first error is raised when all have ended."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return cast("list[T]", results)


def _wanted(website: Website, options: PodOptions, *, publish: bool) -> list[NamespacedResource]:
    """Return all children but the Deployment."""
    wanted: list[NamespacedResource] = [manifests.service(website), manifests.network_policy(website, options)]
    if website.replicas > 1:
        wanted.append(manifests.disruption_budget(website))
    if website.host and publish:
        published = (
            publishing.http_route(website, website.host, website.gateway)
            if website.gateway
            else publishing.ingress(website, website.host)
        )
        wanted.append(published)
    return wanted


async def _delete_others(cluster: Cluster, website: Website, key: Key, wanted: set[type[NamespacedResource]]) -> None:
    """Delete what this Website had and is to have no longer."""
    for kind in KINDS:
        child = None if kind in wanted else cluster.cached(kind, key)
        if child and is_controlled_by(child, website.uid):
            await cluster.delete(child)
            logger.info("deleted %s %s", kind.__name__, key)
