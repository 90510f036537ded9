"""Notes when each Deployment is first seen, in a process of its own: ``python -m … kubeconfig times``."""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TextIO

import aiohttp

from tests.faults.controllers.api import BUFFER, DEPLOYMENTS, Cluster

_ADDED = b'{"type":"ADDED"'


async def _watch(cluster: Cluster, times: TextIO) -> None:
    context = cluster.client_context()
    context.load_cert_chain(cluster.certificate, cluster.key)
    connector = aiohttp.TCPConnector(ssl=context)
    timeout = aiohttp.ClientTimeout()
    async with aiohttp.ClientSession(
        cluster.server, connector=connector, read_bufsize=BUFFER, timeout=timeout
    ) as session:
        path = DEPLOYMENTS.path()
        async with session.get(path, params={"limit": "1"}) as answer:
            version = (await answer.json())["metadata"]["resourceVersion"]
        async with session.get(path, params={"watch": "true", "resourceVersion": version}) as answer:
            print("watching", file=times, flush=True)
            async for line in answer.content:
                seen = time.monotonic()
                if line.startswith(_ADDED):
                    metadata = json.loads(line)["object"]["metadata"]
                    print(f"{metadata['namespace']}/{metadata['name']} {seen}", file=times, flush=True)


if __name__ == "__main__":
    with Path(sys.argv[2]).open("w") as target:
        asyncio.run(_watch(Cluster.read(Path(sys.argv[1])), target))
