"""Redis is changed by `up` while applications write: previews say what happens, and no acknowledged write is lost."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.toolchain import Toolchain
from tests.e2e.conftest import Platform
from tests.faults.redis.client_pod import (
    LONG_SECONDS,
    NAMESPACE,
    Client,
    all_know,
    all_ready,
    elections,
    primaries,
    uids,
)
from tests.integration.sandbox.kubectl import Kubectl, eventually

Seconds = Callable[[str, float], None]
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def kubectl(platform: Platform, toolchain: Toolchain) -> Kubectl:
    return Kubectl(platform.cluster, toolchain)


@pytest.fixture
def client(kubectl: Kubectl) -> Iterator[Client]:
    """An application that asks Sentinel, and doesn't wait for replicas."""
    eventually(lambda: all_ready(kubectl), "all pods of Redis are ready", LONG_SECONDS)
    client = Client(kubectl, "writes-on")
    yield client
    client.stop()


def steps(platform: Platform, change: Change) -> dict[str, list[str]]:
    """Return what the preview of a change to Redis' settings shows: each operation with its resources."""
    platform.edit(lambda sections: change(sections["redis"]))
    shown: dict[str, list[str]] = {}
    for step in platform.preview():
        shown.setdefault(step.op, []).append(step.name)
    return {op: sorted(names) for op, names in shown.items()}


def roll_out(platform: Platform, kubectl: Kubectl, client: Client, count: int, moves: int) -> None:
    """Roll out what was edited; afterwards the role has moved so often at most, and nothing is lost."""
    before = elections(kubectl)
    platform.up()
    eventually(lambda: all_ready(kubectl, count), "all pods are ready and of the new template", 2 * LONG_SECONDS)
    since = time.monotonic() + 1
    eventually(lambda: client.writes_since(since), "it writes", LONG_SECONDS)
    assert elections(kubectl) - before <= moves
    eventually(lambda: len(primaries(kubectl)) == 1, "the primary has its label", LONG_SECONDS)
    assert client.lost() == 0


def passwords(kubectl: Kubectl) -> dict[str, str]:
    return json.loads(kubectl("get", "secret", "redis-sfs", "-n", NAMESPACE, "-o", "json"))["data"]


def capacities(kubectl: Kubectl) -> set[str]:
    claims = kubectl.items("pvc", "-n", NAMESPACE)
    return {each["status"]["capacity"]["storage"] for each in claims if each["metadata"]["name"].startswith("data-")}


def test_settings_passwords_and_volumes_change_under_load(
    platform: Platform, kubectl: Kubectl, client: Client, seconds: Seconds
) -> None:
    claims = [f"data-{ordinal}" for ordinal in range(3)]
    assert steps(platform, lambda redis: redis.update(volume={"size": "2Gi"})) == {"update": claims}
    assert steps(platform, lambda redis: redis.update(evictionPolicy="allkeys-lru")) == {"update": [*claims, "servers"]}
    rotated = steps(platform, lambda redis: redis.update(passwordVersion=2))
    assert rotated["create"] == ["passwords-3"]
    assert rotated["delete"] == ["passwords-0"]
    assert rotated["update"] == [*claims, "password", "servers"]
    before = passwords(kubectl)

    roll_out(platform, kubectl, client, 3, moves=1)

    after = passwords(kubectl)
    assert (after["password-previous"], after["password"]) == (before["password"], before["password-next"])
    eventually(lambda: capacities(kubectl) == {"2Gi"}, "the volumes have grown", LONG_SECONDS)
    seconds("without a write: settings and passwords change, volumes grow", client.outage())


def test_two_members_more_and_two_less_under_load(
    platform: Platform, kubectl: Kubectl, client: Client, seconds: Seconds
) -> None:
    grown = steps(platform, lambda redis: redis.update(instances=5))
    assert grown["create"] == ["data-3", "data-4", "sentinel-3", "sentinel-4"]
    assert grown["update"] == ["config", "servers"]
    before = uids(kubectl)
    roll_out(platform, kubectl, client, 5, moves=0)
    assert before < uids(kubectl)
    eventually(lambda: all_know(kubectl, 5), "every Sentinel knows of five", LONG_SECONDS)
    seconds("without a write: from three members to five", client.outage())

    (primary,) = primaries(kubectl)
    stays = primary in {f"redis-sfs-{ordinal}" for ordinal in range(3)}
    shrunk = steps(platform, lambda redis: redis.update(instances=3))
    assert shrunk["delete"] == grown["create"]
    assert shrunk["update"] == ["config", "servers"]
    roll_out(platform, kubectl, client, 3, moves=0 if stays else 1)
    assert uids(kubectl) == before
    eventually(lambda: all_know(kubectl, 3), "every Sentinel has forgotten the others", LONG_SECONDS)
    seconds("without a write: from five members to three", client.outage())
