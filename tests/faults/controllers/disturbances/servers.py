"""The API server dies and comes back; etcd forgets history."""

from __future__ import annotations

import asyncio
import base64
import json
import urllib.request
from typing import TYPE_CHECKING

from sandbox import cluster as control_plane
from sandbox import toolchain as tools
from sandbox.cluster import control
from sandbox.progress import Progress
from tests.faults.controllers import steps
from tests.faults.controllers.ends import Ends
from tests.faults.controllers.faults import Befalling, hang_up
from tests.faults.controllers.registry import disturbance
from tests.faults.controllers.watches import GONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.controllers.api import Object
    from tests.faults.controllers.calls import Call
    from tests.faults.controllers.lab import Lab
    from tests.faults.controllers.proxy import Answer, Forward

API_SERVER = "kube-apiserver"
# kwok plays a node's pods while it holds the node's Lease, of 200 s. If the server's end
# costs it one, it waits for that.
NODES_SECONDS = 300


@disturbance(alone=True)
async def api_server_killed_and_restarted(lab: Lab) -> None:
    controller, ends = await lab.start(), await Ends.of(lab)
    wanted = await ends.calm()
    killing = False
    killed = asyncio.Event()

    async def kill_at_first_write(call: Call, forward: Forward) -> Answer | None:
        nonlocal killing
        if call.is_write:
            # Writes come several at a time: a second kill could hit the server that was started again.
            if not killing:
                killing = True
                await asyncio.to_thread(control.kill, _sandbox(lab), API_SERVER)
                killed.set()
            await killed.wait()
        return await forward()

    with controller.proxy.disturbed(kill_at_first_write):
        await steps.create(lab, "storm")
        await killed.wait()
        await asyncio.to_thread(_start, lab)
        await ends.become("storm", wanted, NODES_SECONDS)
    await ends.stay("storm", wanted)


@disturbance(alone=True)
async def history_compacted_while_cut_off(lab: Lab) -> None:
    controller, ends = await lab.start(), await Ends.of(lab)
    wanted = await ends.calm()
    for name in ("storm", "gone"):
        await steps.create(lab, name)
        await ends.become(name, wanted)
    await controller.rest()
    before = len(controller.proxy.calls)
    with controller.proxy.disturbed(Befalling(lambda call: bool(call.resource), hang_up)):
        for watch in tuple(controller.proxy.watches):
            watch.drop()
        await lab.delete("gone")
        await steps.create(lab, "late")
        await asyncio.to_thread(_compact, lab)
        # Its cache of recent events would still serve the watches.
        await asyncio.to_thread(control.kill, _sandbox(lab), API_SERVER)
        await asyncio.to_thread(_start, lab)
    await ends.become("late", wanted, NODES_SECONDS)
    await ends.become("gone", {})
    expired = [call for call in controller.proxy.calls[before:] if call.verb == "watch" and call.code == GONE]
    assert expired, "no watch was refused as too old"
    for name in ("storm", "late"):
        await ends.stay(name, wanted)


def _sandbox(lab: Lab) -> control_plane.Cluster:
    return control_plane.Cluster(lab.cluster.folder, lab.cluster.folder / "kubeconfig")


def _start(lab: Lab) -> None:
    control.start(_sandbox(lab), tools.ensure(progress=Progress(quiet=True)), API_SERVER)


def _compact(lab: Lab) -> None:
    """Make etcd forget all versions but the newest."""
    arguments = control.process(_sandbox(lab), "etcd").cmdline()
    (url,) = (each.partition("=")[2] for each in arguments if each.startswith("--advertise-client-urls="))
    ask = _asking(url)
    revision = ask("range", {"key": base64.b64encode(b"-").decode()})["header"]["revision"]
    ask("compaction", {"revision": revision, "physical": True})


def _asking(url: str) -> Callable[[str, Object], Object]:
    def ask(what: str, body: Object) -> Object:
        request = urllib.request.Request(f"{url}/v3/kv/{what}", json.dumps(body).encode())  # noqa: S310  on loopback
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return json.load(answer)

    return ask
