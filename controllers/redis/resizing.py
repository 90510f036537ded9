"""Telling running members how many they are now, since scaling restarts none of them."""

import logging
import time
from collections.abc import Sequence

from controllers.redis.members import Members, Server, View

# Seconds after which a Sentinel may be made to forget once more, should it find again who isn't a member: each time it
# can't help in a failover for a second or two.
FORGET_AGAIN = 60.0

logger = logging.getLogger(__name__)


class Resizing:
    """Compares what members say with how many there are to be, in every round."""

    def __init__(self, members: Members) -> None:
        self._members = members
        self._forgot: dict[str, float] = {}

    async def require(self, primary: str, server: Server, count: int) -> bool:
        """Let the primary take writes only as a part of a majority; ``False`` if it didn't agree.

        In every round, since a server that restarts has the number of its file, which may be an old one. A primary
        that would take no writes with the new number keeps its own.
        """
        needed = count // 2
        return server.replicas < needed or await self._members.require(primary, needed)

    async def tell(self, views: Sequence[View], server: Server, count: int) -> None:
        """Give all Sentinels and the servers beside them the new numbers, and let removed members be forgotten.

        When all pods are ready.
        """
        majority = count // 2 + 1
        for view in (view for view in views if view.quorum != majority):
            # The Sentinel at last: what it says stands for the server too, which may be the primary's successor.
            told = await self._members.require(view.host, count // 2)
            if told and await self._members.set_quorum(view.host, majority):
                logger.info("%s knows that there are %d instances", view.host, count)
        host = next_to_forget(views, count) if server.replicas == count - 1 else None
        if host and time.monotonic() - self._forgot.get(host, float("-inf")) > FORGET_AGAIN:
            self._forgot[host] = time.monotonic()
            if await self._members.forget(host):
                logger.info("%s forgets who is gone", host)


def next_to_forget(views: Sequence[View], count: int) -> str | None:
    """Return the Sentinel that forgets next, ``None`` while there is none or it must wait.

    One at a time, when all name the same primary, none misses it, and all know every member that there is: so the one
    before has found them again, and a majority of Sentinels is able to promote somebody all along.
    """
    agreed = len(views) == count and len(set(views)) == 1 and all(view.calm for view in views)
    if not agreed or any(min(view.replicas, view.sentinels) < count - 1 for view in views):
        return None
    return next((view.host for view in views if max(view.replicas, view.sentinels) > count - 1), None)
