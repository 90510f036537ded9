"""Creates objects at a fixed rate or as fast as it goes, in a process of its own: ``python -m … plan.json times``."""

import asyncio
import itertools
import json
import ssl
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp

CREATED = 201


async def _create(plan: dict[str, Any]) -> list[str]:
    """Carry the plan out, and return a line for each name: when it was begun."""
    context = ssl.create_default_context(cafile=plan["authority"])
    if plan["certificate"]:
        context.load_cert_chain(plan["certificate"], plan["key"])
    headers = {"Content-Type": "application/json", **plan["headers"]}
    templates = [(path, body) for path, body in plan["templates"]]
    turns = itertools.count()
    lines = [""] * len(plan["names"])
    start = time.monotonic() + 0.5  # when all connections are open

    async def worker(session: aiohttp.ClientSession) -> None:
        # Nothing is timed on a connection that isn't open yet.
        await (await session.get("/version")).read()
        await asyncio.sleep(start - time.monotonic())
        while (turn := next(turns)) < len(plan["names"]):
            if plan["rate"]:
                await asyncio.sleep(max(0.0, start + turn / plan["rate"] - time.monotonic()))
            namespace, name = plan["names"][turn].split("/")
            lines[turn] = f"{namespace}/{name} {time.monotonic()}"
            for path, body in templates:
                data = body.replace("NAMESPACE", namespace).replace("NAME", name)
                async with session.post(path.replace("NAMESPACE", namespace), data=data) as answer:
                    content = await answer.read()
                    if answer.status != CREATED:
                        raise SystemExit(f"{name}: {answer.status} {content.decode()}")

    connector = aiohttp.TCPConnector(ssl=context, limit=0)
    async with aiohttp.ClientSession(plan["server"], connector=connector, headers=headers) as session:
        await asyncio.gather(*(worker(session) for _ in range(plan["concurrency"])))
    return lines


if __name__ == "__main__":
    began = asyncio.run(_create(json.loads(Path(sys.argv[1]).read_text())))
    Path(sys.argv[2]).write_text("\n".join(began) + "\n")
