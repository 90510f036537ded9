"""Stands between a client and the real API server, and gets in the way as a test says."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Generator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import aiohttp
from aiohttp import web
from lightkube.config.client_adapter import verify_cluster
from lightkube.config.kubeconfig import SingleConfig
from lightkube.config.models import User

from tests.connections import break_off


class FaultProxy:
    """An HTTP proxy on loopback in a thread of its own; its faults are set from the test's thread."""

    def __init__(self, config: SingleConfig) -> None:
        # Who asks is told by the client's token alone.
        self._tls = verify_cluster(config.cluster, User(), config.abs_file)
        self._upstream = config.cluster.server
        self._loop = asyncio.new_event_loop()
        self._open: set[aiohttp.ClientResponse] = set()
        self._frozen: set[aiohttp.ClientResponse] = set()
        self._answers: deque[tuple[int, str, Mapping[str, str] | None]] = deque()
        self.requests: list[tuple[float, str]] = []
        self.away = False
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def watched(self) -> bool:
        """Whether a watch is open; `cut` and `freeze` mean only those that are."""
        return any(upstream.url.query.get("watch") == "true" for upstream in [*self._open])

    def answer_next(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        """Answer the next request that isn't answered yet by this, in place of the API server."""
        self._answers.append((status, text, headers))

    def cut(self) -> None:
        """Break all connections in the middle of their answers."""
        for response in [*self._open]:
            self._loop.call_soon_threadsafe(break_off, response)

    def freeze(self) -> None:
        """Let all open answers go silent, with the connections left open."""
        self._frozen |= self._open

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((time.monotonic(), request.path_qs))
        if self.away:
            assert request.transport
            request.transport.close()
            return web.Response(status=500)
        if self._answers:
            status, text, headers = self._answers.popleft()
            return web.Response(status=status, text=text, headers=headers)
        return await self._forward(request)

    async def _forward(self, request: web.Request) -> web.StreamResponse:
        headers = {key: request.headers[key] for key in ("Authorization", "Accept") if key in request.headers}
        try:
            async with self._session.get(self._upstream + request.path_qs, headers=headers) as upstream:
                return await self._pass_on(upstream, request)
        except aiohttp.ClientError:
            assert request.transport
            request.transport.abort()
        return web.Response(status=500)

    async def _pass_on(self, upstream: aiohttp.ClientResponse, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=upstream.status)
        response.content_type = upstream.content_type
        await response.prepare(request)
        self._open.add(upstream)
        try:
            async for chunk in upstream.content.iter_any():
                if upstream in self._frozen:
                    # Until the client gives up, which cancels this.
                    await asyncio.Event().wait()
                await response.write(chunk)
        finally:
            self._open.discard(upstream)
            break_off(upstream)
        return response

    async def _start(self) -> web.AppRunner:
        timeout = aiohttp.ClientTimeout(total=None)
        connector = aiohttp.TCPConnector(ssl=self._tls, limit=0)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False)
        app = web.Application()
        app.router.add_get("/{path:.*}", self._handle)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        return runner

    async def _stop(self, runner: web.AppRunner) -> None:
        await runner.cleanup()
        await self._session.close()

    @contextmanager
    def running(self) -> Generator["FaultProxy"]:
        thread = threading.Thread(target=self._loop.run_forever)
        thread.start()
        runner = self._wait(asyncio.run_coroutine_threadsafe(self._start(), self._loop))
        try:
            yield self
        finally:
            self._wait(asyncio.run_coroutine_threadsafe(self._stop(runner), self._loop))
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()

    def _wait(self, future: Future[Any]) -> Any:
        return future.result(20)
