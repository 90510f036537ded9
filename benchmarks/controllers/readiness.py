"""Stands in for Kubernetes' Deployment controller, which is stopped: says that all Deployments are rolled out."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from tests.faults.controllers.api import DEPLOYMENTS, Api, Object
from tests.faults.controllers.subjects import WEBSITE

if TYPE_CHECKING:
    from collections.abc import Sequence

_AT_ONCE = 8
_LONGEST = 900.0
_COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")


async def make_ready(api: Api, namespaces: Sequence[str]) -> None:
    """Write the status of every Deployment that has none, and wait until every Website is Ready."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(namespace: str, item: Object) -> None:
        async with gate:
            await api.patch(DEPLOYMENTS, namespace, item["metadata"]["name"], _rolled_out(item), subresource="status")

    for namespace in namespaces:
        waiting = [item for item in await api.list(DEPLOYMENTS, namespace) if "replicas" not in item["status"]]
        await asyncio.gather(*(one(namespace, item) for item in waiting))
    for namespace in namespaces:
        await _all_ready(api, namespace)


async def _all_ready(api: Api, namespace: str) -> None:
    end = time.monotonic() + _LONGEST
    while True:
        items = await api.list(WEBSITE.resource, namespace)
        waiting = [item["metadata"]["name"] for item in items if not _ready(item)]
        if not waiting:
            return
        if time.monotonic() > end:
            raise SystemExit(f"{len(waiting)} Websites of {namespace} don't become Ready, for instance {waiting[0]}")
        await asyncio.sleep(1)


def _ready(item: Object) -> bool:
    conditions = item.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _rolled_out(item: Object) -> Object:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    times = {"lastTransitionTime": now, "lastUpdateTime": now}
    conditions = [
        {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable", "message": "", **times},
        {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "message": "", **times},
    ]
    counts = dict.fromkeys(_COUNTS, item["spec"]["replicas"])
    return {"status": {"observedGeneration": item["metadata"]["generation"], "conditions": conditions, **counts}}
