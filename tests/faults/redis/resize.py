"""What our controller does after scaling, without a cluster: it tells members how many they are, until all know.

Runs as a process on a host of its own: ``python -m tests.faults.redis.resize SETTINGS``.
"""

import asyncio
import json
import logging
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from controllers.redis.controller import PERIOD
from controllers.redis.members import Members, View, agreed
from controllers.redis.resizing import Resizing


@dataclass(frozen=True)
class Settings:
    """The pods that there are to be; with ``authority``, a file, they speak TLS."""

    hosts: list[str]
    password_file: str
    authority: str

    def text(self) -> str:
        return json.dumps(asdict(self))


def known(views: list[View], count: int) -> bool:
    """Tell whether every Sentinel has the new quorum, and knows exactly the members that there are."""
    wanted = (count // 2 + 1, count - 1, count - 1)
    return len(views) == count and all((view.quorum, view.replicas, view.sentinels) == wanted for view in views)


async def resize(settings: Settings) -> None:
    members = Members(Path(settings.password_file), Path(settings.authority) if settings.authority else None)
    resizing, count = Resizing(members), len(settings.hosts)
    while not known(views := await members.views(settings.hosts), count):
        primary = agreed(views, count)
        server = await members.server(primary) if primary else None
        if primary and server and server.is_primary and await resizing.require(primary, server, count):
            await resizing.tell(views, server, count)
        await asyncio.sleep(PERIOD)
    await members.close()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    asyncio.run(resize(Settings(**json.loads(sys.argv[1]))))
