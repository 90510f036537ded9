"""Reconciling one Memcached."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from lightkube import ApiError
from lightkube.core.resource import NamespacedResource
from lightkube.models.core_v1 import PodStatus
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod, Service
from lightkube.resources.policy_v1 import PodDisruptionBudget

from controllers.memcached import manifests
from controllers.memcached.model import Memcached, MemcachedResource
from controllers.memcached.names import (
    CONTROLLER,
    HASH_ANNOTATION,
    INSTANCE_LABEL,
    KIND,
    MANAGED_BY_LABEL,
)
from controllers.memcached.pods import Server
from controllers.memcached.status import Status, failed_status, status_of
from controllers.runtime.children import ForeignObjectError, ensure, is_controlled_by, refusal
from controllers.runtime.cluster import Cluster
from controllers.runtime.controller import Controller, Watch
from controllers.runtime.keys import Key, key_of_controlling
from controllers.runtime.status import write_status
from controllers.runtime.store import metadata_of

CHILDREN: tuple[type[NamespacedResource], ...] = (Deployment, Service, PodDisruptionBudget)


_key_of_child = key_of_controlling(KIND, INSTANCE_LABEL)


@dataclass(frozen=True)
class MemcachedController(Controller):
    """Keeps each Memcached's Deployment, Service and disruption budget as its spec says."""

    server: Server

    @property
    def name(self) -> str:
        """Return the field manager's name."""
        return CONTROLLER

    @property
    def primary(self) -> Watch:
        """Return the watch of Memcacheds."""
        return Watch(MemcachedResource)

    @property
    def children(self) -> Sequence[Watch]:
        """Return the watches of the three kinds of children, and of the pods."""
        ours = {MANAGED_BY_LABEL: CONTROLLER}
        pods = Watch(Pod, _key_of_child, ours, keep=_kept_of_pod, index=lambda pod: _key_of_child(metadata_of(pod)))
        return [pods, *(Watch(resource, _key_of_child, ours) for resource in CHILDREN)]

    async def reconcile(self, cluster: Cluster, key: Key) -> None:
        """Put the children of one Memcached in place and write its status if it has changed."""
        body = cluster.cached(MemcachedResource, key)
        if body is None:
            return  # the garbage collector deletes the children
        memcached = Memcached.from_object(body)
        if memcached.deleting:
            return
        try:
            status = await self._put_in_place(cluster, memcached)
        except (ForeignObjectError, ApiError) as error:
            if why := refusal(error):
                await write_status(cluster, body, failed_status(memcached, *why, _now()))
            raise
        await write_status(cluster, body, status)

    async def _put_in_place(self, cluster: Cluster, memcached: Memcached) -> Status:
        key = Key(memcached.namespace, memcached.name)
        # The Deployment comes last: no pod runs while another child's name is taken.
        await ensure(cluster, manifests.service(memcached), hash_annotation=HASH_ANNOTATION)
        if wanted := manifests.budget(memcached):
            await ensure(cluster, wanted, hash_annotation=HASH_ANNOTATION)
        elif (budget := cluster.cached(PodDisruptionBudget, key)) and is_controlled_by(budget, memcached.uid):
            await cluster.delete(budget)
        deployment = await ensure(
            cluster, manifests.deployment(memcached, self.server), hash_annotation=HASH_ANNOTATION
        )
        return status_of(memcached, deployment, cluster.indexed(Pod, key), _now())


def _kept_of_pod(pod: Pod) -> Pod:
    """Return what the status is made of."""
    return Pod(metadata=pod.metadata, status=PodStatus(phase=pod.status.phase if pod.status else None))


def _now() -> datetime:
    return datetime.now(UTC)
