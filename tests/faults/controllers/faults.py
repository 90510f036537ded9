"""What the proxy can do to calls."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from multidict import CIMultiDict

from tests.faults.controllers.calls import Call
from tests.faults.controllers.proxy import Answer, Forward, HangUpError

if TYPE_CHECKING:
    from tests.faults.controllers.proxy import Fault

Chosen = Callable[[Call], bool]
Spoil = Callable[[Forward], Awaitable[Answer | None]]

# Seconds from sending an answer to the kill: the controller has read the answer by then.
KILL_DELAY = 0.02

_REASONS = {
    401: "Unauthorized",
    409: "Conflict",
    410: "Expired",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
}


def is_write(call: Call) -> bool:
    """Choose writes."""
    return call.is_write


def is_read(call: Call) -> bool:
    """Choose gets and lists."""
    return call.is_read


def is_watch(call: Call) -> bool:
    """Choose watches that begin."""
    return call.verb == "watch"


class Befalling:
    """A fault that befalls the first ``times`` calls chosen; ``befallen`` counts them."""

    def __init__(self, chosen: Chosen, spoil: Spoil, times: float = float("inf")) -> None:
        self._chosen = chosen
        self._spoil = spoil
        self._times = times
        self.befallen = 0

    async def __call__(self, call: Call, forward: Forward) -> Answer | None:
        """Spoil the call or pass it on."""
        if self.befallen >= self._times or not self._chosen(call):
            return await forward()
        self.befallen += 1
        return await self._spoil(forward)


def answer(code: int, **headers: str) -> Spoil:
    """Answer by an error; the call does not reach the API server."""
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": _REASONS[code], "code": code}
    body = json.dumps({**status, "message": f"{_REASONS[code]} by a test"}).encode()

    async def spoil(_: Forward) -> Answer:
        return Answer(code, CIMultiDict({"Content-Type": "application/json", **headers}), body)

    return spoil


async def hang_up(_: Forward) -> Answer:
    """Cut the connection; the call does not reach the API server."""
    raise HangUpError


async def hang_up_after(forward: Forward) -> Answer:
    """Let the call be carried out and cut the connection instead of answering: the caller can't know."""
    await forward()
    raise HangUpError


def late(seconds: float) -> Spoil:
    """Take the answer at once and deliver it late: it is stale when it comes."""

    async def spoil(forward: Forward) -> Answer | None:
        taken = await forward()
        await asyncio.sleep(seconds)
        return taken

    return spoil


def kill_at_write(number: int, chosen: Chosen, kill: Callable[[], None], *, answered: bool) -> Fault:
    """Kill the controller when its write of this number (1, 2, …) is committed, and let no later call through.

    With ``answered`` it gets the answer before it dies.
    """
    count = 0
    dead = False

    async def fault(call: Call, forward: Forward) -> Answer | None:
        nonlocal count, dead
        if dead:
            raise HangUpError
        taken = await forward()
        if dead or not (call.is_committed and chosen(call)):
            return taken
        count += 1
        dead = count == number
        if dead and answered:
            asyncio.get_running_loop().call_later(KILL_DELAY, kill)
        elif dead:
            kill()
            raise HangUpError
        return taken

    return fault
