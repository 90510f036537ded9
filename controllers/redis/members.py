"""What Sentinels and servers say, asked over the network."""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.exceptions import RedisError

from controllers.redis.names import PORT, PRIMARY_NAME, SENTINEL_PORT, USER

# Seconds; a Sentinel that is slower has no say in this round.
TIMEOUT = 1.0

T = TypeVar("T")


@dataclass(frozen=True, order=True)
class View:
    """What one Sentinel takes for the primary; the highest epoch is the newest election."""

    epoch: int
    primary: str
    host: str = field(compare=False)
    """Who says it."""
    quorum: int = field(compare=False)
    """How many Sentinels must agree that the primary is down."""
    replicas: int = field(compare=False)
    sentinels: int = field(compare=False)
    """Other Sentinels and replicas that it knows, gone ones included."""
    calm: bool = field(compare=False)
    """Whether it neither misses the primary nor promotes another one."""


@dataclass(frozen=True)
class Server:
    """What one server says of itself."""

    is_primary: bool
    replicas: int
    """Replicas that have a copy of the data."""


def agreed(views: Sequence[View], members: int) -> str | None:
    """Return the primary of the newest view when a majority of all Sentinels shares it."""
    newest = max(views, default=None)
    if newest is None or views.count(newest) <= members // 2:
        return None
    return newest.primary


class _PasswordFile(CredentialProvider):
    """Reads the password for each connection, since the kubelet renews the file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def get_credentials(self) -> tuple[str, str]:
        return USER, self._file.read_text().strip()

    async def get_credentials_async(self) -> tuple[str, str]:
        return self.get_credentials()


class Members:
    """The Sentinels and servers, over connections that are kept."""

    def __init__(self, password_file: Path, ca_file: Path | None) -> None:
        self._credentials = _PasswordFile(password_file)
        self._ca_file = ca_file
        self._connections: dict[tuple[str, int], Redis] = {}

    async def views(self, hosts: Sequence[str]) -> list[View]:
        """Return the views of those Sentinels that answer."""
        answers = await asyncio.gather(*(self._ask(host, SENTINEL_PORT, _master) for host in hosts))
        return [_view(host, answer) for host, answer in zip(hosts, answers, strict=True) if answer]

    async def server(self, host: str) -> Server | None:
        """Return what a server says, ``None`` when it doesn't."""
        return await self._ask(host, PORT, _server)

    async def require(self, host: str, replicas: int) -> bool:
        """Let a primary take writes while it has so many replicas; tell whether it agreed."""
        setting = "min-replicas-to-write"
        return bool(await self._ask(host, PORT, lambda server: server.config_set(setting, replicas)))

    async def set_quorum(self, host: str, quorum: int) -> bool:
        """Let a Sentinel give the primary up when so many agree; tell whether it agreed."""
        setting = "quorum"
        return bool(await self._ask(host, SENTINEL_PORT, lambda it: it.sentinel_set(PRIMARY_NAME, setting, quorum)))

    async def forget(self, host: str) -> bool:
        """Let a Sentinel find replicas and other Sentinels anew; tell whether it agreed."""
        answer = await self._ask(host, SENTINEL_PORT, lambda sentinel: sentinel.sentinel_reset(PRIMARY_NAME))
        # It answers with a number, which the client library takes for no OK.
        return answer is not None

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(connection.aclose() for connection in self._connections.values()))

    async def _ask(self, host: str, port: int, question: Callable[[Redis], Awaitable[T]]) -> T | None:
        connection = self._connections.get((host, port)) or self._connect(host, port)
        try:
            async with asyncio.timeout(TIMEOUT):
                return await question(connection)
        except (RedisError, OSError, TimeoutError):
            return None

    def _connect(self, host: str, port: int) -> Redis:
        encrypted: dict[str, Any] = {}
        if self._ca_file:
            encrypted = {"ssl": True, "ssl_ca_certs": str(self._ca_file), "ssl_cert_reqs": ssl.CERT_REQUIRED}
        connection = self._connections[host, port] = Redis(
            host=host,
            port=port,
            credential_provider=self._credentials,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            # The next round asks again.
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            **encrypted,
        )
        return connection


async def _master(sentinel: Redis) -> dict[str, Any]:
    return cast("dict[str, Any]", await sentinel.sentinel_master(PRIMARY_NAME))


def _view(host: str, answer: dict[str, Any]) -> View:
    return View(
        epoch=int(answer["config-epoch"]),
        primary=str(answer["ip"]),
        host=host,
        quorum=int(answer["quorum"]),
        replicas=int(answer["num-slaves"]),
        sentinels=int(answer["num-other-sentinels"]),
        calm=answer["flags"] == "master",
    )


async def _server(server: Redis) -> Server:
    info = await server.info("replication")
    # `slave0`, `slave1` …: one mapping for each replica.
    lines = [cast("dict[str, Any]", value) for key, value in info.items() if re.fullmatch(r"slave\d+", key)]
    return Server(info["role"] == "master", [line["state"] for line in lines].count("online"))
