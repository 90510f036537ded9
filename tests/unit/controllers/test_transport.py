"""aiohttp below httpx2, against a real server on loopback."""

import asyncio
import gzip
import ssl
from contextlib import asynccontextmanager

import httpx2
import pytest
from aiohttp import web

from controllers.runtime.transport import AiohttpTransport


@asynccontextmanager
async def client_of(handler):
    """A client of a server that answers everything by ``handler``."""
    # Without these an unanswered request would hold the end up for a minute.
    runner = web.ServerRunner(web.Server(handler, handler_cancellation=True), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _, port = runner.addresses[0]
    transport = AiohttpTransport(ssl.create_default_context())
    try:
        async with httpx2.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{port}", timeout=0.3) as client:
            yield client
    finally:
        await runner.cleanup()


async def echo(request):
    body = await request.text()
    seen = {"method": request.method, "path": request.raw_path, "body": body, "token": request.headers["Authorization"]}
    return web.json_response(seen, status=418, headers={"Retry-After": "3"})


def test_a_request_arrives_as_it_was_sent_and_its_answer_comes_back():
    async def run():
        async with client_of(echo) as client:
            headers = {"Authorization": "Bearer t"}
            return await client.patch("/apis/a%2Fb", params={"force": "true"}, json={"a": "ä"}, headers=headers)

    answer = asyncio.run(run())
    assert (answer.status_code, answer.headers["Retry-After"]) == (418, "3")
    seen = answer.json()
    assert (seen["method"], seen["path"], seen["token"]) == ("PATCH", "/apis/a%2Fb?force=true", "Bearer t")
    assert seen["body"] == '{"a":"ä"}'


def test_a_redirect_is_an_answer_and_not_followed():
    async def elsewhere(_):
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async def run():
        async with client_of(elsewhere) as client:
            return await client.get("/")

    assert asyncio.run(run()).status_code == 302


def test_a_compressed_answer_is_unpacked_once():
    async def packed(_):
        return web.Response(body=gzip.compress(b"plain"), headers={"Content-Encoding": "gzip"})

    async def run():
        async with client_of(packed) as client:
            return await client.get("/")

    assert asyncio.run(run()).text == "plain"


def test_a_stream_is_read_as_it_comes_and_its_silence_is_a_timeout():
    async def stream(request):
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"first\n")
        await asyncio.sleep(60)
        return answer

    async def run():
        async with client_of(stream) as client, client.stream("GET", "/") as answer:
            lines = answer.aiter_lines()
            assert await anext(lines) == "first"
            with pytest.raises(httpx2.ReadTimeout):
                await anext(lines)

    asyncio.run(run())


def test_a_connection_that_is_cut_is_a_transport_error():
    async def cut(request):
        answer = web.StreamResponse(headers={"Content-Length": "100"})
        await answer.prepare(request)
        await answer.write(b"part")
        request.transport.close()
        return answer

    async def run():
        async with client_of(cut) as client:
            with pytest.raises(httpx2.ReadError):
                await client.get("/")

    asyncio.run(run())


def test_a_server_that_is_not_there_is_a_connect_error():
    async def run():
        async with client_of(echo) as client:
            port = client.base_url.port
        transport = AiohttpTransport(ssl.create_default_context())
        async with httpx2.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{port}") as client:
            with pytest.raises(httpx2.ConnectError):
                await client.get("/")

    asyncio.run(run())
