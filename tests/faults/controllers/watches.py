"""One watch that passes through the proxy."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import aiohttp
    from aiohttp import web

    from tests.faults.controllers.calls import Call


GONE = 410


class Watch:
    """Passes events on until a side ends the watch or a test spoils it."""

    def __init__(self, call: Call, upstream: aiohttp.ClientResponse, response: web.StreamResponse) -> None:
        self.call = call
        self._upstream = upstream
        self._response = response
        self._silent = False
        self._dropped = asyncio.Event()
        self._lines: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    def hold(self) -> None:
        """Pass nothing on any more, and leave the connection open: the other side is gone without a word."""
        self._silent = True

    def drop(self) -> None:
        """Cut the connection."""
        self._dropped.set()

    def insert(self, line: bytes) -> None:
        """Pass a line on as if the API server had sent it."""
        self._lines.put_nowait((0.0, line))

    def expire(self) -> None:
        """Say what the API server says in a watch whose version is compacted away, and end it."""
        status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": GONE}
        event = {"type": "ERROR", "object": {**status, "message": "too old resource version: 1 (2)"}}
        self._silent = False
        self._lines.put_nowait((0.0, json.dumps(event).encode() + b"\n"))
        self._lines.put_nowait((0.0, b""))

    async def run(self, delay: Callable[[], float]) -> bool:
        """Pass lines on; return whether the watch ended in good order."""
        parts = [asyncio.create_task(part) for part in (self._read(delay), self._write(), self._dropped.wait())]
        try:
            await asyncio.wait(parts[1:], return_when=asyncio.FIRST_COMPLETED)
            return parts[1].done() and not parts[1].exception()
        finally:
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, return_exceptions=True)

    async def _read(self, delay: Callable[[], float]) -> None:
        try:
            async for line in self._upstream.content:
                if line.startswith(b'{"type":"ERROR"') and b'"code":410' in line:
                    self.call.code = GONE
                self._lines.put_nowait((time.monotonic() + delay(), line))
        finally:
            self._lines.put_nowait((0.0, b""))

    async def _write(self) -> None:
        while True:
            due, line = await self._lines.get()
            await asyncio.sleep(due - time.monotonic())
            if self._silent:
                continue
            if not line:
                return
            await self._response.write(line)
