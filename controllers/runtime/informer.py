"""Keeps a `Store` as the cluster is: lists, watches, resumes; whatever happens, goes on."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from typing import Generic, TypeVar

import httpx2
import msgspec
from lightkube.core.resource import Resource, api_info

from controllers.runtime.api_calls import LONGEST_RETRY_AFTER
from controllers.runtime.keys import Key, own_key
from controllers.runtime.list_watch import GONE, Collection, Event, Page, Refusal, pages, watch
from controllers.runtime.metrics import LISTINGS
from controllers.runtime.store import Store, metadata_of
from controllers.runtime.work_queue import backoff

R = TypeVar("R", bound=Resource)

NOT_FOUND = 404
# Seconds. An API server that is back should not be kept waiting, one that asks for patience should be heard.
LONGEST_PAUSE = 10.0

logger = logging.getLogger(__name__)


class _Bookmark(msgspec.Struct):
    metadata: Page.Metadata


class Informer(Generic[R]):
    """Feeds ``store`` with one collection and calls ``changed`` with every object before and after its change."""

    def __init__(
        self,
        http: httpx2.AsyncClient,
        collection: Collection,
        store: Store[R],
        changed: Callable[[R], None],
        *,
        idle: float,
    ) -> None:
        self._http = http
        self._collection = collection
        self._store = store
        self._changed = changed
        self._idle = idle
        self._version: str | None = None
        self._failures = 0
        self.synced = asyncio.Event()
        """Set once the store has held all objects; it stays set while a broken watch is resumed."""

    def __str__(self) -> str:
        where = self._collection.namespace or "all namespaces"
        return f"{api_info(self._collection.resource).plural} in {where}"

    async def run(self) -> None:
        """Follow the collection for ever."""
        while True:
            asked = None
            try:
                await self._follow()
            except Refusal as refusal:
                asked = refusal.retry_after
                self._refused(refusal)
            except (httpx2.TransportError, msgspec.DecodeError) as error:
                logger.warning("no answer for %s: %s", self, str(error) or type(error).__name__)
            self._failures += 1
            await asyncio.sleep(pause(self._failures, asked))

    async def _follow(self) -> None:
        """Catch up, then take events until the answer ends."""
        if self._version is None:
            self._version = await self._list()
            self.synced.set()
        async with aclosing(watch(self._http, self._collection, self._version, idle=self._idle)) as events:
            async for event in events:
                self._failures = 0
                self._take(event)

    def _refused(self, refusal: Refusal) -> None:
        if refusal.code == GONE:
            logger.info("%s: too old a version to resume from, listing anew", self)
            self._version = None
        elif refusal.code == NOT_FOUND:
            # The kind isn't served, or not any more: there are no such objects.
            if self._version is not None or not self.synced.is_set():
                logger.warning("%s: not served", self)
            self._version = None
            self._retain(set())
            self.synced.set()
        else:
            logger.warning("%s: refused: %s", self, refusal)

    async def _list(self) -> str:
        """Take over a listing, drop what isn't in it, and return its version."""
        LISTINGS.labels(api_info(self._collection.resource).plural).inc()
        seen: set[Key] = set()
        version = ""
        async for page in pages(self._http, self._collection):
            version = page.metadata.version
            for raw in page.items:
                item = self._store.decode(raw)
                seen.add(own_key(metadata_of(item)))
                self._put(item, force=True)
        self._retain(seen)
        return version

    def _retain(self, seen: set[Key]) -> None:
        namespace = self._collection.namespace
        for key in self._store:
            if key not in seen and namespace in ("", key.namespace):
                self._drop(key)

    def _take(self, event: Event) -> None:
        if event.type == "BOOKMARK":
            # Not a whole object: what a Deployment or a Pod must have is null in it.
            self._version = msgspec.json.decode(event.object, type=_Bookmark).metadata.version
            return
        item = self._store.decode(event.object)
        metadata = metadata_of(item)
        if event.type == "DELETED":
            self._drop(own_key(metadata))
        else:
            self._put(item)
        self._version = metadata.resourceVersion

    def _put(self, item: R, *, force: bool = False) -> None:
        for concerned in self._store.put(item, force=force):
            self._changed(concerned)

    def _drop(self, key: Key) -> None:
        if (old := self._store.drop(key)) is not None:
            self._changed(old)


def pause(failures: int, asked: float | None) -> float:
    """Return the seconds before the next try: as the API server asks for, else 0.5, 1, 2 … and 10 at most."""
    if asked is not None:
        return min(max(asked, 1.0), LONGEST_RETRY_AFTER)
    return min(backoff(failures), LONGEST_PAUSE)
