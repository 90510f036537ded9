"""Listing and watching one kind over HTTP, object by object as undecoded JSON.

Not by lightkube's own watch: it never gives up on a connection that has gone silent, asks for no bookmarks, and
breaks lines at characters that JSON allows inside of strings.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass

import httpx2
import msgspec
from lightkube.core.resource import Resource, api_info

from controllers.runtime.api_calls import retry_after
from controllers.runtime.connection import TIMEOUT

# Objects in one page of a listing: client-go's default (tools/pager, 1.36).
PAGE = 500
GONE = 410


class Refusal(Exception):  # noqa: N818  what the API server answers, which may well be expected
    """The API server answers a list or a watch by an error; ``retry_after`` is in seconds, if it names any."""

    def __init__(self, code: int, message: str, retry_after: float | None = None) -> None:
        self.code = code
        self.retry_after = retry_after
        super().__init__(f"{code} {message}")


class Page(msgspec.Struct):
    """One page of a listing."""

    class Metadata(msgspec.Struct):
        """Where the listing stands; without ``next`` it is complete."""

        version: str = msgspec.field(name="resourceVersion", default="")
        next: str = msgspec.field(name="continue", default="")

    metadata: Metadata
    items: list[msgspec.Raw] = []


class Event(msgspec.Struct):
    """What a watch says: ADDED, MODIFIED or DELETED; a BOOKMARK, which moves the version only; or an ERROR."""

    type: str
    object: msgspec.Raw


class _Status(msgspec.Struct):
    code: int = 0
    message: str = ""


@dataclass(frozen=True)
class Collection:
    """The objects of one kind in one namespace, or in all of them, that have ``labels``."""

    resource: type[Resource]
    namespace: str
    """Empty: all namespaces, or a kind that has none."""
    labels: Mapping[str, str]

    @property
    def path(self) -> str:
        """The path of its URL."""
        info = api_info(self.resource)
        group, version = info.resource.group, info.resource.version
        root = f"/apis/{group}/{version}" if group else f"/api/{version}"
        return f"{root}/namespaces/{self.namespace}/{info.plural}" if self.namespace else f"{root}/{info.plural}"

    @property
    def parameters(self) -> dict[str, str]:
        """What every request of it carries."""
        selector = ",".join(f"{key}={value}" for key, value in self.labels.items())
        return {"labelSelector": selector} if selector else {}


async def pages(http: httpx2.AsyncClient, collection: Collection) -> AsyncIterator[Page]:
    """Yield a listing page by page; raises `Refusal`, with 410 when it takes longer than the server keeps history."""
    parameters = {**collection.parameters, "limit": str(PAGE)}
    while True:
        response = await http.get(collection.path, params=parameters)
        if response.is_error:
            raise _refusal(response)
        page = msgspec.json.decode(response.content, type=Page)
        yield page
        if not page.metadata.next:
            return
        parameters["continue"] = page.metadata.next


async def watch(
    http: httpx2.AsyncClient, collection: Collection, version: str, *, idle: float
) -> AsyncGenerator[Event]:
    """Yield what happens after ``version`` until the server ends the answer, as it does now and then.

    Raises `Refusal`, and ``httpx2.ReadTimeout`` after ``idle`` seconds of silence.
    """
    parameters = {
        **collection.parameters,
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": version,
    }
    timeout = httpx2.Timeout(TIMEOUT, read=idle)
    async with http.stream("GET", collection.path, params=parameters, timeout=timeout) as response:
        if response.is_error:
            await response.aread()
            raise _refusal(response)
        async for line in _lines(response):
            event = msgspec.json.decode(line, type=Event)
            if event.type == "ERROR":
                status = msgspec.json.decode(event.object, type=_Status)
                raise Refusal(status.code, status.message)
            yield event


async def _lines(response: httpx2.Response) -> AsyncIterator[bytes]:
    """Yield whole lines; what a broken connection leaves of one is dropped."""
    rest = b""
    async for chunk in response.aiter_bytes():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line


def _refusal(response: httpx2.Response) -> Refusal:
    try:
        message = msgspec.json.decode(response.content, type=_Status).message
    except msgspec.DecodeError:  # what stands in front of an API server may answer by anything
        message = response.reason_phrase
    return Refusal(response.status_code, message, retry_after(response))
