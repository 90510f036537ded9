"""What lies between a client and the network.

Requests are counted, sent again when the API server was too busy for them, and writes are refused to who may not write.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

import httpx2

from controllers.runtime.metrics import API_CALLS

TOO_MANY_REQUESTS = 429
# Times that a request is sent again (client-go, rest/request.go, 0.36), and the longest wait that is heard, in seconds.
RETRIES = 10
LONGEST_RETRY_AFTER = 120.0

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}

logger = logging.getLogger(__name__)


class NotLeadingError(Exception):
    """A write was held back because another replica may be the leader by now."""


class Call(NamedTuple):
    """A request in the words of RBAC rules and audit logs."""

    verb: str
    resource: str


def call_of(method: str, path: str, *, watch: bool) -> Call:
    """Return what a request asks for; ``path`` is that of the URL, such as ``/apis/apps/v1/deployments``."""
    parts = [part for part in path.split("/") if part]
    # Behind the group and version, or `v1` alone for the core group.
    parts = parts[2:] if parts[:1] == ["api"] else parts[3:]
    if parts[:1] == ["namespaces"] and len(parts) > 2:  # noqa: PLR2004  the namespace itself is a resource too
        parts = parts[2:]
    plural, name, subresource = [*parts, "", "", ""][:3]
    read = "get" if name else "watch" if watch else "list"
    return Call(_VERBS.get(method, read), f"{plural}/{subresource}" if subresource else plural)


def counted(inner: httpx2.AsyncBaseTransport) -> httpx2.AsyncBaseTransport:
    """Return a transport that counts requests by verb, resource and code of the answer."""
    return _Counted(inner)


def guarded(inner: httpx2.AsyncBaseTransport, may_write: Callable[[], bool]) -> httpx2.AsyncBaseTransport:
    """Return a transport that lets writes through only while ``may_write`` says so; asked last of all before each."""
    return _Guarded(inner, may_write)


def patient(inner: httpx2.AsyncBaseTransport) -> httpx2.AsyncBaseTransport:
    """Return a transport that sends a request again after a 429, when the API server says to, as client-go does."""
    return _Patient(inner)


def retry_after(response: httpx2.Response) -> float | None:
    """Return the seconds that an answer asks to wait; the API server names whole ones, never a date."""
    seconds = response.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdecimal() else None


class _Layer(httpx2.AsyncBaseTransport):
    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Counted(_Layer):
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        call = call_of(request.method, request.url.path, watch="watch" in request.url.params)
        try:
            response = await self._inner.handle_async_request(request)
        except httpx2.TransportError as error:
            API_CALLS.labels(*call, type(error).__name__).inc()
            raise
        API_CALLS.labels(*call, str(response.status_code)).inc()
        return response


class _Patient(_Layer):
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        for _ in range(RETRIES):
            response = await self._inner.handle_async_request(request)
            seconds = retry_after(response) if response.status_code == TOO_MANY_REQUESTS else None
            if seconds is None:
                return response
            await response.aclose()
            logger.info("the API server is busy, waiting for %.0f s", seconds)
            await asyncio.sleep(min(seconds, LONGEST_RETRY_AFTER))
        return await self._inner.handle_async_request(request)


class _Guarded(_Layer):
    def __init__(self, inner: httpx2.AsyncBaseTransport, may_write: Callable[[], bool]) -> None:
        super().__init__(inner)
        self._may_write = may_write

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method in WRITES and not self._may_write():
            raise NotLeadingError(f"{request.method} {request.url.path} held back: this replica doesn't lead any more")
        return await self._inner.handle_async_request(request)
