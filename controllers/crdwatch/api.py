"""Listing and watching one kind over HTTP.

Not by lightkube's own watch: it never gives up on a connection that has gone silent, asks for no bookmarks, and
breaks lines at characters that JSON allows inside of strings.
"""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx2
from lightkube.config.kubeconfig import SingleConfig

from controllers.runtime.connection import authorized_transport

# Seconds that connecting, and the answer to a list, may take.
TIMEOUT = 30.0

Body = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """What is watched; without a namespace all of them, or a kind that has none."""

    group: str
    version: str
    resource: str
    namespace: str

    @property
    def path(self) -> str:
        """Return the path of the collection."""
        middle = f"/namespaces/{self.namespace}" if self.namespace else ""
        return f"/apis/{self.group}/{self.version}{middle}/{self.resource}"


class Listing(NamedTuple):
    """All objects, as they were at one resource version."""

    version: str
    items: list[Body]


class Event(NamedTuple):
    """What the API server says of one object: ADDED, MODIFIED, DELETED, or BOOKMARK for none."""

    type: str
    object: Body


class Refusal(Exception):  # noqa: N818  what the API server answers, which may well be expected
    """The API server answers a list or a watch by an error; ``retry_after`` is in seconds, if it names any."""

    def __init__(self, code: int, message: str, retry_after: float | None = None) -> None:
        self.code = code
        self.retry_after = retry_after
        super().__init__(f"{code} {message}")


class Api:
    """The collection of one kind. Beside `Refusal`, ``httpx2.TransportError`` says that no answer came."""

    def __init__(self, config: SingleConfig, kind: Kind, idle: float) -> None:
        self._path = kind.path
        # Between bookmarks a watch may well be silent; for longer than `idle` it is dead.
        self._watch_timeout = httpx2.Timeout(TIMEOUT, read=idle)
        self._http = httpx2.AsyncClient(
            base_url=config.cluster.server, transport=authorized_transport(config), timeout=TIMEOUT
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def list(self) -> Listing:
        """Return all objects as they are now; whole, since a listing in pages can expire between two of them."""
        response = await self._http.get(self._path)
        _raise_for(response, response.content)
        body = json.loads(response.content)
        return Listing(body["metadata"]["resourceVersion"], body["items"])

    async def watch(self, version: str) -> AsyncGenerator[Event, None]:
        """Yield what happens after ``version`` until the API server ends the answer, as it does now and then."""
        parameters = {"watch": "true", "allowWatchBookmarks": "true", "resourceVersion": version}
        async with self._http.stream("GET", self._path, params=parameters, timeout=self._watch_timeout) as response:
            if response.is_error:
                _raise_for(response, await response.aread())
            async for line in _lines(response):
                event: Body = json.loads(line)
                if event["type"] == "ERROR":
                    status = event["object"]
                    raise Refusal(status["code"], status["message"])
                yield Event(event["type"], event["object"])


async def _lines(response: httpx2.Response) -> AsyncIterator[bytes]:
    """Yield whole lines; what a broken connection leaves of one is dropped."""
    rest = b""
    async for chunk in response.aiter_bytes():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line


def _raise_for(response: httpx2.Response, content: bytes) -> None:
    if not response.is_error:
        return
    retry_after = response.headers.get("Retry-After", "")
    raise Refusal(
        response.status_code,
        _message(content) or response.reason_phrase,
        float(retry_after) if retry_after.isdecimal() else None,
    )


def _message(content: bytes) -> str:
    """Return the message of a Status; what stands in front of an API server may answer by anything else."""
    with suppress(ValueError, AttributeError):
        return str(json.loads(content).get("message", ""))
    return ""
