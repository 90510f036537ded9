"""The HTTP endpoint of a controller: ``/healthz``, ``/readyz`` and ``/metrics``."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

Check = Callable[[], str | None]
"""Returns what is wrong, or ``None``."""

logger = logging.getLogger(__name__)


@asynccontextmanager
async def endpoint(
    address: str, *, alive: Check, ready: Check, routes: Sequence[web.RouteDef] = ()
) -> AsyncGenerator[int]:
    """Answer at ``address``, as ``host:port``, until the context ends; yields the port, which 0 lets the system choose.

    ``/healthz`` and ``/readyz`` answer 200 and ``ok``, or 503 and what ``alive`` and ``ready`` say is wrong.
    ``routes`` are answered too. Raises `OSError` when the address is taken.
    """
    host, _, port = address.rpartition(":")
    app = web.Application()
    app.add_routes([web.get("/healthz", _answer(alive)), web.get("/readyz", _answer(ready)), *routes])
    app.router.add_get("/metrics", _metrics)
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, host.strip("[]"), int(port)).start()
        chosen: int = runner.addresses[0][1]
        logger.info("answering at %s:%d", host, chosen)
        yield chosen
    finally:
        await runner.cleanup()


def _answer(check: Check) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(_: web.Request) -> web.Response:
        wrong = check()
        return web.Response(text=wrong or "ok", status=503 if wrong else 200)

    return handle


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
