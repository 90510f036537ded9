"""A reverse proxy that ends TLS between a controller and the API server, sees every call and can disturb any."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from tests.connections import break_off
from tests.faults.controllers.api import BUFFER
from tests.faults.controllers.calls import Call, parse
from tests.faults.controllers.watches import Watch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Mapping

    from tests.faults.controllers.api import Cluster

# What belongs to one connection and not to the message (RFC 9110, 7.6.1), and what aiohttp sets by itself.
_OWN_HEADERS = ("Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length", "Host", "Date", "Server")


class Answer(NamedTuple):
    """A whole answer of the API server, or one that takes its place."""

    status: int
    headers: CIMultiDict[str]
    body: bytes


class HangUpError(Exception):
    """Raised by a fault: the connection is cut without an answer."""


# Forwarding a watch returns None, since its answer has no end.
Forward = Callable[[], Awaitable[Answer | None]]
# A fault sees each call and either forwards it, and then perhaps spoils the answer, or answers by itself.
Fault = Callable[[Call, Forward], Awaitable[Answer | None]]


class Proxy:
    """One controller's way to the API server."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self._fault: Fault | None = None
        self._upstreams: set[asyncio.Task[Answer]] = set()
        self.url = ""
        self.calls: list[Call] = []
        self.open: list[Call] = []
        """Calls that aren't answered yet, watches aside."""
        self.watches: set[Watch] = set()
        self.watch_delay = 0.0
        """Seconds by which every event of a watch comes late."""
        self.last_write = time.monotonic()

    @property
    def writes(self) -> list[Call]:
        """All writes so far that the API server has carried out."""
        return [call for call in self.calls if call.is_committed]

    @property
    def watched(self) -> set[str]:
        """The kinds that are being watched now."""
        return {watch.call.resource for watch in self.watches}

    @contextmanager
    def disturbed(self, fault: Fault) -> Generator[None]:
        """Put every call through ``fault`` meanwhile."""
        self._fault = fault
        try:
            yield
        finally:
            self._fault = None

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Pass one request on."""
        call = parse(request.method, request.path, request.query)
        self.calls.append(call)
        if call.verb == "watch":
            return await self._watch(request, call)
        body = await request.read()
        self.open.append(call)

        async def forward() -> Answer:
            return await self._forward(request, call, body)

        try:
            answer = await (self._fault(call, forward) if self._fault else forward())
        except (HangUpError, aiohttp.ClientError):
            return _hang_up(request)
        finally:
            self.open.remove(call)
        assert answer
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    async def _forward(self, request: web.BaseRequest, call: Call, body: bytes) -> Answer:
        # To its end even if the controller dies meanwhile, as the API server would.
        upstream = asyncio.create_task(self._request(request, call, body))
        self._upstreams.add(upstream)
        upstream.add_done_callback(self._done)
        return await asyncio.shield(upstream)

    def _done(self, upstream: asyncio.Task[Answer]) -> None:
        self._upstreams.discard(upstream)
        if not upstream.cancelled():
            upstream.exception()  # seen, also when the controller that asked is dead

    async def _request(self, request: web.BaseRequest, call: Call, body: bytes) -> Answer:
        async with self._session.request(
            request.method, request.path_qs, data=body or None, headers=_passed(request.headers)
        ) as answer:
            content = await answer.read()
        call.code = answer.status
        if call.is_write:
            self.last_write = time.monotonic()
        return Answer(answer.status, _passed(answer.headers), content)

    async def _watch(self, request: web.BaseRequest, call: Call) -> web.StreamResponse:
        async def forward() -> None:
            return None

        try:
            if self._fault and (answer := await self._fault(call, forward)):
                return web.Response(status=answer.status, headers=answer.headers, body=answer.body)
            # A watch ends when one of its sides wants it to.
            timeout = aiohttp.ClientTimeout()
            async with self._session.get(
                request.path_qs, headers=_passed(request.headers), timeout=timeout
            ) as upstream:
                return await self._stream(request, call, upstream)
        except (HangUpError, aiohttp.ClientError, ConnectionError):
            return _hang_up(request)

    async def _stream(
        self, request: web.BaseRequest, call: Call, upstream: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        call.code = upstream.status
        response = web.StreamResponse(status=upstream.status, headers=_passed(upstream.headers))
        await response.prepare(request)
        watch = Watch(call, upstream, response)
        self.watches.add(watch)
        try:
            if not await watch.run(lambda: self.watch_delay):
                return _hang_up(request)
        finally:
            self.watches.discard(watch)
            break_off(upstream)
        with suppress(ConnectionError):
            await response.write_eof()
        return response


def _passed(headers: Mapping[str, str]) -> CIMultiDict[str]:
    kept = CIMultiDict(headers)
    for name in _OWN_HEADERS:
        kept.popall(name, None)
    return kept


def _hang_up(request: web.BaseRequest) -> web.Response:
    if request.transport:
        request.transport.abort()
    return web.Response(status=502)  # nobody reads it


@asynccontextmanager
async def open_proxy(cluster: Cluster) -> AsyncGenerator[Proxy]:
    """Listen on loopback under the API server's own certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cluster.certificate, cluster.key)
    connector = aiohttp.TCPConnector(ssl=cluster.client_context(), limit=0)
    async with aiohttp.ClientSession(
        cluster.server, connector=connector, auto_decompress=False, read_bufsize=BUFFER
    ) as session:
        proxy = Proxy(session)
        server = web.Server(proxy.handle, handler_cancellation=True, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
            await site.start()
            _, port = runner.addresses[0][:2]
            proxy.url = f"https://127.0.0.1:{port}"
            yield proxy
        finally:
            await runner.cleanup()
