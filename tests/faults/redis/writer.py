"""A client under load: writes numbered values one after the other and notes each one that was acknowledged.

Runs as a process on a host of its own: ``python -m tests.faults.redis.writer SETTINGS``, until SIGTERM.
"""

import json
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel

# Seconds between two writes, and before a failed one is tried again.
PAUSE = 0.005
# Seconds that a client waits for an answer, and for the acknowledgement of a replica.
TIMEOUT, WAIT_MS = 0.5, 500


@dataclass(frozen=True)
class Settings:
    """Whom to ask, what to write and where to note it.

    With ``server`` the client keeps to that one; with ``authority``, a file, it speaks TLS.
    """

    name: str
    sentinels: list[str]
    password_file: str
    notes: str
    wait: int
    server: str | None = None
    authority: str | None = None

    def text(self) -> str:
        return json.dumps(asdict(self))


class Client:
    """What an application does: asks Sentinel, keeps the connection, asks again when it fails."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._options: dict[str, Any] = {
            "username": "app",
            "password": Path(settings.password_file).read_text(),
            "socket_timeout": TIMEOUT,
            "socket_connect_timeout": TIMEOUT,
            "retry": Retry(NoBackoff(), 0),
            "decode_responses": True,
            **({"ssl": True, "ssl_ca_certs": settings.authority} if settings.authority else {}),
        }
        hosts = [(host, 26379) for host in settings.sentinels]
        self._sentinel = Sentinel(hosts, sentinel_kwargs=self._options)
        self._connection: Redis | None = None
        self.server = ""

    def write(self, number: int) -> bool:
        """Write one value; tell whether it was acknowledged, by replicas too if that was asked for."""
        try:
            connection = self._connection or self._connect()
            connection.set(f"{self._settings.name}:{number}", number)
            return not self._settings.wait or int(connection.wait(self._settings.wait, WAIT_MS)) >= self._settings.wait  # type: ignore[arg-type]
        except (RedisError, MasterNotFoundError, OSError):
            if self._connection:
                self._connection.close()
            self._connection = None
            return False

    def _connect(self) -> Redis:
        self.server = self._settings.server or str(self._sentinel.discover_master("mymaster")[0])
        self._connection = Redis(host=self.server, port=6379, **self._options)
        return self._connection


def main() -> None:
    settings = Settings(**json.loads(sys.argv[1]))
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stop.append(number))
    client = Client(settings)
    number = 0
    with Path(settings.notes).open("w", buffering=1) as notes:
        while not stop:
            if client.write(number):
                notes.write(f"{number} {time.monotonic()} {client.server}\n")
            # A value whose fate is unknown is never written again.
            number += 1
            time.sleep(PAUSE)


if __name__ == "__main__":
    main()
