"""The loop around the API: list, watch, resume; whatever happens, go on without missing or repeating anything."""

import asyncio
import logging
from contextlib import aclosing
from http import HTTPStatus

import httpx2
import msgspec

from controllers.crdwatch.history import History
from controllers.runtime.informer import pause
from controllers.runtime.list_watch import Collection, Refusal, pages, watch

# Answers after which resuming is pointless: the version's history is compacted away, or the kind isn't served.
LOST: dict[int, str] = {
    HTTPStatus.GONE: "the resource version is too old to resume from",
    HTTPStatus.NOT_FOUND: "the kind was not served for a while",
}

logger = logging.getLogger(__name__)


class Watcher:
    """Keeps a `History` of one collection up to date. After ``idle`` seconds of silence a watch is dead."""

    def __init__(self, http: httpx2.AsyncClient, collection: Collection, history: History, *, idle: float) -> None:
        self._http = http
        self._collection = collection
        self._history = history
        self._idle = idle
        # Why the watch can't be resumed where it ended, if it can't.
        self._lost: str | None = None if history.version else "nothing was logged before"
        self._failures = 0

    def what_is_not_ready(self) -> str | None:
        """Return why not all is logged; a connection that is being made anew doesn't count."""
        return self._lost

    async def run(self) -> None:
        """Watch for ever."""
        while True:
            asked = None
            try:
                await self._follow()
            except Refusal as refusal:
                asked = refusal.retry_after
                self._lost = LOST.get(refusal.code, self._lost)
                logger.warning("the API server refuses: %s", refusal)
            except (httpx2.TransportError, msgspec.DecodeError) as error:
                logger.warning("no answer of the API server: %s", str(error) or type(error).__name__)
            self._failures += 1
            await asyncio.sleep(pause(self._failures, asked))

    async def _follow(self) -> None:
        """Catch up, then take events until the answer ends."""
        if self._lost is not None:
            await self._catch_up(self._lost)
            self._lost = None
        version = self._history.version or ""
        async with aclosing(watch(self._http, self._collection, version, idle=self._idle)) as events:
            async for event in events:
                self._failures = 0
                self._history.take_event(event)

    async def _catch_up(self, reason: str) -> None:
        listing = [page async for page in pages(self._http, self._collection)]
        # Every page speaks of the same version.
        self._history.take_listing(
            listing[0].metadata.version, [item for page in listing for item in page.items], reason
        )
