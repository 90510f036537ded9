"""Following the primary: the label on its pod, the memory that there was data, restarts, and the number of members."""

import logging
import time
from collections.abc import Sequence
from typing import Any

from lightkube import ApiError
from lightkube.models.meta_v1 import DeleteOptions, ObjectMeta, Preconditions
from lightkube.resources.apps_v1 import StatefulSet
from lightkube.resources.core_v1 import ConfigMap, Pod, PodEviction
from lightkube.types import PatchType

from controllers.redis.members import Members, Server, agreed
from controllers.redis.names import CONTROLLER, LIVED, ROLE_LABEL, state_name
from controllers.redis.resizing import Resizing
from controllers.redis.rollout import is_ready, next_restart, steady
from controllers.runtime.api_calls import TOO_MANY_REQUESTS
from controllers.runtime.cluster import CONFLICT, NOT_FOUND, Cluster
from controllers.runtime.controller import Controller, Watch
from controllers.runtime.keys import Key
from controllers.runtime.store import metadata_of

# Seconds between two rounds of questions, a part of what clients of the Service wait after a failover.
PERIOD = 0.5
# Seconds between two looks at the ConfigMap, which somebody might delete.
MEMORY_PERIOD = 60.0

logger = logging.getLogger(__name__)


class RedisController(Controller):
    """Labels the pods of one StatefulSet by what a majority of its Sentinels says."""

    def __init__(self, stateful_set: str, domain: str, members: Members) -> None:
        self._name = stateful_set
        self._domain = domain
        self._members = members
        self._resizing = Resizing(members)
        self._remembered = float("-inf")
        # UID of the pod that was evicted last: the cache may show it as staying for a moment.
        self._evicted: str | None = None

    @property
    def name(self) -> str:
        """Return the field manager's name."""
        return CONTROLLER

    @property
    def primary(self) -> Watch:
        """Return the watch of the StatefulSet."""
        return Watch(StatefulSet, self._key)

    @property
    def children(self) -> Sequence[Watch]:
        """Return the watch of its pods: one that is made anew bears no label yet."""
        return [Watch(Pod, self._key, {"app": self._name}, index=lambda pod: metadata_of(pod).namespace)]

    async def reconcile(self, cluster: Cluster, key: Key) -> None:
        """Ask who the primary is, and say so on the pods if it isn't said already."""
        stateful_set = cluster.cached(StatefulSet, key)
        if key.name != self._name or stateful_set is None:
            return
        try:
            await self._follow(cluster, key, stateful_set)
        finally:
            cluster.look_again(key, PERIOD)

    async def _follow(self, cluster: Cluster, key: Key, stateful_set: StatefulSet) -> None:
        replicas = stateful_set.spec.replicas or 0
        suffix = f"{self._name}.{key.namespace}.svc.{self._domain}"
        views = await self._members.views([f"{self._name}-{ordinal}.{suffix}" for ordinal in range(replicas)])
        host = agreed(views, replicas)
        server = await self._members.server(host) if host else None
        # Without a majority, or while the new primary doesn't know of its election, what was last true stays.
        if host is None or server is None or not server.is_primary:
            return
        primary = host.partition(".")[0]
        await self._label(cluster, key.namespace, primary)
        await self._remember(cluster, key, server)
        pods = cluster.indexed(Pod, key.namespace)
        if not steady(stateful_set, pods) or not await self._resizing.require(host, server, replicas):
            return
        pod = next_restart(stateful_set, pods, primary, server.replicas)
        if pod:
            await self._restart(cluster, pod)
        elif all(map(is_ready, pods)):
            await self._resizing.tell(views, server, replicas)

    async def _label(self, cluster: Cluster, namespace: str, primary: str) -> None:
        pods = cluster.indexed(Pod, namespace)
        # The primary last, so that there are never two.
        for pod in sorted(pods, key=lambda pod: metadata_of(pod).name == primary):
            metadata = metadata_of(pod)
            role = "primary" if metadata.name == primary else "replica"
            if (metadata.labels or {}).get(ROLE_LABEL) == role:
                continue
            # The UID keeps the label of a deleted pod off a new one of the same name.
            patch = {"metadata": {"uid": metadata.uid, "labels": {ROLE_LABEL: role}}}
            patched = await cluster.client.patch(
                Pod, metadata.name or "", patch, namespace=namespace, patch_type=PatchType.MERGE
            )
            cluster.wrote(patched)
            logger.info("%s is %s", metadata.name, role)

    async def _restart(self, cluster: Cluster, pod: Pod) -> None:
        metadata = metadata_of(pod)
        if metadata.uid == self._evicted:
            return
        eviction = PodEviction(
            metadata=ObjectMeta(name=metadata.name, namespace=metadata.namespace),
            deleteOptions=DeleteOptions(preconditions=Preconditions(uid=metadata.uid)),
        )
        try:
            await cluster.client.create(eviction, metadata.name or "", namespace=metadata.namespace)
        except ApiError as error:
            # Gone or made anew already, or the PodDisruptionBudget has no room: the next round looks again.
            if error.status.code not in (NOT_FOUND, CONFLICT, TOO_MANY_REQUESTS):
                raise
            return
        self._evicted = metadata.uid
        logger.info("%s restarts with the new template", metadata.name)

    async def _remember(self, cluster: Cluster, key: Key, server: Server) -> None:
        """Say that this Redis has lived, as soon as losing the primary's volume wouldn't lose its data."""
        if server.replicas == 0 or time.monotonic() - self._remembered < MEMORY_PERIOD:
            return
        name = state_name(self._name)
        state = await cluster.client.get(ConfigMap, name, namespace=key.namespace)
        if LIVED not in (state.data or {}):
            said: Any = ConfigMap(metadata=ObjectMeta(name=name, namespace=key.namespace), data={LIVED: "true"})
            await cluster.client.apply(said)
            logger.info("%s remembers that there is data", name)
        self._remembered = time.monotonic()

    def _key(self, metadata: ObjectMeta) -> Key:
        return Key(metadata.namespace or "", self._name)
