"""The loop around the API: list, watch, resume; whatever happens, go on without missing or repeating anything."""

import asyncio
import json
import logging
from contextlib import aclosing
from http import HTTPStatus

import httpx2

from controllers.crdwatch.api import Api, Refusal
from controllers.crdwatch.history import History
from controllers.runtime.work_queue import backoff

# Seconds. An API server that is back should not be kept waiting, one that asks for patience should be heard.
LONGEST_PAUSE = 10.0
LONGEST_RETRY_AFTER = 120.0

# Answers after which resuming is pointless: the version's history is compacted away, or the kind isn't served.
LOST: dict[int, str] = {
    HTTPStatus.GONE: "the resource version is too old to resume from",
    HTTPStatus.NOT_FOUND: "the kind was not served for a while",
}

logger = logging.getLogger(__name__)


class Watcher:
    """Keeps a `History` up to date."""

    def __init__(self, api: Api, history: History) -> None:
        self._api = api
        self._history = history
        # Why the watch can't be resumed where it ended, if it can't.
        self._lost: str | None = None if history.version else "nothing was logged before"
        self._failures = 0

    @property
    def ready(self) -> bool:
        """Whether all is logged, but for what happens while a connection is made anew."""
        return self._lost is None

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
            except (httpx2.TransportError, json.JSONDecodeError) as error:
                logger.warning("no answer of the API server: %s", str(error) or type(error).__name__)
            self._failures += 1
            await asyncio.sleep(pause(self._failures, asked))

    async def _follow(self) -> None:
        """Catch up, then take events until the answer ends."""
        if self._lost is not None:
            self._history.take_listing(await self._api.list(), self._lost)
            self._lost = None
        async with aclosing(self._api.watch(self._history.version or "")) as events:
            async for event in events:
                self._failures = 0
                self._history.take_event(event)


def pause(failures: int, asked: float | None) -> float:
    """Return the seconds before the next try: as the API server asks for, else 0.5, 1, 2 … and 10 at most."""
    if asked is not None:
        return min(max(asked, 1.0), LONGEST_RETRY_AFTER)
    return min(backoff(failures), LONGEST_PAUSE)
