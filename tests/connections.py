"""Connections of aiohttp clients in tests."""

import aiohttp


def break_off(answer: aiohttp.ClientResponse) -> None:
    """Break the connection of an answer that isn't whole, without the farewell of TLS.

    Closing it would leave that farewell under way, and the end of the event loop would leave its socket open.
    """
    if answer.connection and answer.connection.transport:
        answer.connection.transport.abort()
