"""Sends httpx2's requests by aiohttp, whose parser is written in C: that halves the processor time of a request."""

import ssl
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager

import aiohttp
import httpx2
from yarl import URL

# Of one message between two peers (RFC 9110, 7.6.1); aiohttp sets its own.
_OWN_HEADERS = frozenset({"host", "connection", "content-length", "transfer-encoding"})


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """One pool of connections without a limit, since every watch keeps one for itself."""

    def __init__(self, verify: ssl.SSLContext) -> None:
        self._verify = verify
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; raises ``httpx2.TransportError`` when there is no answer."""
        headers = [(key, value) for key, value in request.headers.items() if key not in _OWN_HEADERS]
        body = await request.aread()
        with _as_httpx2(request):
            answer = await self._opened().request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=headers,
                data=body or None,
                allow_redirects=False,
                timeout=_timeout(request),
            )
        return httpx2.Response(answer.status, headers=list(answer.raw_headers), stream=_Body(request, answer))

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, ssl=self._verify)
            # Compressed answers stay so: httpx2 decompresses them.
            self._session = aiohttp.ClientSession(connector=connector, auto_decompress=False)
        return self._session

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()


class _Body(httpx2.AsyncByteStream):
    def __init__(self, request: httpx2.Request, answer: aiohttp.ClientResponse) -> None:
        self._request = request
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx2(self._request):
            async for chunk in self._answer.content.iter_any():
                yield chunk

    async def aclose(self) -> None:
        # One that is whole has gone back to the pool; the connection of another can't be used again.
        self._answer.close()


def _timeout(request: httpx2.Request) -> aiohttp.ClientTimeout:
    seconds = request.extensions.get("timeout", {})
    return aiohttp.ClientTimeout(sock_connect=seconds.get("connect"), sock_read=seconds.get("read"))


@contextmanager
def _as_httpx2(request: httpx2.Request) -> Generator[None]:
    """Raise aiohttp's errors as httpx2's."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx2.ConnectTimeout(str(error), request=request) from error
    except TimeoutError as error:
        raise httpx2.ReadTimeout(str(error), request=request) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx2.ConnectError(str(error), request=request) from error
    except (aiohttp.ClientError, ConnectionError) as error:
        raise httpx2.ReadError(str(error) or type(error).__name__, request=request) from error
