"""The moving parts of one controller: stores, informers, the queue and its workers."""

import asyncio
import logging
import time
from typing import Any

import httpx2
from lightkube import AsyncClient
from lightkube.core.resource import Resource

from controllers.runtime.cluster import Cluster
from controllers.runtime.controller import Controller, Watch
from controllers.runtime.informer import Informer
from controllers.runtime.keys import Key
from controllers.runtime.list_watch import Collection
from controllers.runtime.metrics import QUEUE_DEPTH, RECONCILE_ERRORS, RECONCILE_SECONDS
from controllers.runtime.options import Options
from controllers.runtime.store import Store
from controllers.runtime.work_queue import WorkQueue

logger = logging.getLogger(__name__)


class Operation:
    """Follows the cluster from `follow` on, and works from `work` on: a replica that stands by has full caches."""

    def __init__(self, controller: Controller, options: Options, client: AsyncClient, http: httpx2.AsyncClient) -> None:
        self._controller = controller
        self._options = options
        self._http = http
        watches = (controller.primary, *controller.children)
        self._stores: dict[type[Resource], Store[Any]] = {
            watch.resource: Store(watch.resource, keep=watch.keep, index=watch.index) for watch in watches
        }
        self.cluster = Cluster(controller.name, client, http, self._stores, self._look_again)
        self._informers = [
            self._informer(watch, namespace) for watch in watches for namespace in options.namespaces or ("",)
        ]
        self._queue: WorkQueue[Key] | None = None
        self._followers: list[asyncio.Task[None]] = []

    def _informer(self, watch: Watch, namespace: str) -> Informer[Any]:
        store = self._stores[watch.resource]

        def changed(item: Resource) -> None:
            if self._queue:
                for key in watch.keys(item, store):
                    self._queue.add(key)

        collection = Collection(watch.resource, namespace, watch.labels)
        return Informer(self._http, collection, store, changed, idle=self._options.watch_idle)

    def follow(self, tasks: asyncio.TaskGroup) -> None:
        """Start to fill the caches."""
        self._followers = [tasks.create_task(informer.run(), name=str(informer)) for informer in self._informers]

    async def synced(self) -> None:
        """Wait until the caches hold all objects; before, what is missing there may well exist."""
        for informer in self._informers:
            await informer.synced.wait()
        logger.info("caches are filled")

    async def work(self) -> None:
        """Reconcile every object now, whenever something changes, and from time to time, for ever.

        From time to time, so that a lost event delays a repair but can't prevent it; then one after the other over the
        whole period, since ten thousand at once would hold up what has just changed.
        """
        self._queue = queue = WorkQueue(self._reconcile, workers=self._options.workers)
        QUEUE_DEPTH.set_function(lambda: queue.depth)
        objects = self._stores[self._controller.primary.resource]
        for key in objects:
            queue.add(key)
        while True:
            keys = list(objects)
            for key in keys:
                await asyncio.sleep(self._options.resync / len(keys))
                queue.add(key)
            if not keys:
                await asyncio.sleep(self._options.resync)

    async def _reconcile(self, key: Key) -> None:
        started = time.perf_counter()
        try:
            await self._controller.reconcile(self.cluster, key)
        except Exception:
            RECONCILE_ERRORS.inc()
            raise
        finally:
            RECONCILE_SECONDS.observe(time.perf_counter() - started)

    def _look_again(self, key: Key, seconds: float) -> bool:
        if self._queue:
            self._queue.add_later(key, seconds)
        return self._queue is not None

    async def close(self, grace: float) -> None:
        """Let running work end."""
        if self._queue:
            await self._queue.close(grace)

    def what_is_dead(self) -> str | None:
        """Return which part has died; a defect of the runtime, which only a new process mends."""
        if self._queue and not self._queue.alive:
            return "a worker has died"
        dead = [task.get_name() for task in self._followers if task.done()]
        return f"nobody follows {', '.join(dead)}" if dead else None

    def what_is_not_ready(self) -> str | None:
        """Return which caches are still being filled."""
        waiting = [str(informer) for informer in self._informers if not informer.synced.is_set()]
        return f"waiting for {', '.join(waiting)}" if waiting else None
