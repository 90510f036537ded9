"""A work queue of keys: no key is worked on twice at once, failures wait longer each time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar, cast

K = TypeVar("K", bound=Hashable)

FIRST_DELAY = 0.5
LONGEST_DELAY = 60.0

logger = logging.getLogger(__name__)


def backoff(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row (1, 2, …): 0.5, 1, 2, … and 60 at most."""
    # The exponent is bounded because 2.0 ** 1024 overflows.
    return min(FIRST_DELAY * 2.0 ** min(failures - 1, 16), LONGEST_DELAY)


class WorkQueue(Generic[K]):
    """Calls ``work(key)`` for every key added, with ``workers`` keys at a time.

    A key added twice before its turn is worked on once; a key added during its turn gets another turn after
    it, so that no change is missed. A key whose work raises gets a new turn after ``delay(failures)`` seconds;
    adding it meanwhile gives it a turn at once.
    """

    def __init__(
        self, work: Callable[[K], Awaitable[None]], *, workers: int, delay: Callable[[int], float] = backoff
    ) -> None:
        self._work = work
        self._delay = delay
        self._ready: asyncio.Queue[K] = asyncio.Queue()
        self._waiting: set[K] = set()  # in `_ready`
        self._running: dict[K, asyncio.Task[None]] = {}
        self._again: set[K] = set()  # added while running
        self._failures: dict[K, int] = {}
        self._retries: dict[K, asyncio.TimerHandle] = {}
        self._tasks = [asyncio.create_task(self._worker(), name=f"worker {n}") for n in range(workers)]
        self._closed = False

    def add(self, key: K) -> None:
        """Give ``key`` a turn as soon as a worker is free."""
        if retry := self._retries.pop(key, None):
            retry.cancel()
        if key in self._running:
            self._again.add(key)
        elif key not in self._waiting:
            self._waiting.add(key)
            self._ready.put_nowait(key)

    def add_later(self, key: K, seconds: float) -> None:
        """Give ``key`` a turn after ``seconds``, unless it gets one before."""
        loop = asyncio.get_running_loop()
        due = self._retries.get(key)
        if self._closed or (due and due.when() <= loop.time() + seconds):
            return
        if due:
            due.cancel()
        self._retries[key] = loop.call_later(seconds, self.add, key)

    @property
    def depth(self) -> int:
        """How many keys wait for a worker."""
        return len(self._waiting)

    @property
    def alive(self) -> bool:
        """Whether every worker runs; a dead one is a defect of this class."""
        return not any(task.done() for task in self._tasks)

    async def close(self, grace: float) -> None:
        """Take no further key and let running work end within ``grace`` seconds, then cancel it."""
        self._closed = True
        for retry in self._retries.values():
            retry.cancel()
        busy = set(self._running.values())
        if busy:
            await asyncio.wait(busy, timeout=grace)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _worker(self) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        while not self._closed:
            key = await self._ready.get()
            self._waiting.discard(key)
            self._running[key] = task
            try:
                await self._work(key)
            except Exception as error:  # noqa: BLE001  one key's failure must not stop the others
                self._failed(key, error)
            else:
                self._failures.pop(key, None)
            finally:
                del self._running[key]
            if key in self._again:
                self._again.discard(key)
                self.add(key)

    def _failed(self, key: K, error: Exception) -> None:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        delay = self._delay(failures)
        logger.warning("%s failed %d times in a row, next try in %.1f s: %s", key, failures, delay, error)
        if again := self._retries.pop(key, None):
            again.cancel()
        self._retries[key] = asyncio.get_running_loop().call_later(delay, self.add, key)
