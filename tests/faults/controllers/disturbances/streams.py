"""Watches that end, fall silent, expire or lag."""

from __future__ import annotations

from tests.faults.controllers import steps
from tests.faults.controllers.api import DEPLOYMENTS
from tests.faults.controllers.ends import Ends
from tests.faults.controllers.faults import Befalling, answer, hang_up, is_read, is_watch, late
from tests.faults.controllers.lab import Lab, eventually
from tests.faults.controllers.registry import disturbance


@disturbance()
async def watch_dropped(lab: Lab) -> None:
    controller, ends = await lab.start(), await Ends.of(lab)
    wanted = await ends.calm()
    refused = Befalling(is_watch, hang_up, times=2 * len(controller.proxy.watches))
    with controller.proxy.disturbed(refused):
        for watch in tuple(controller.proxy.watches):
            watch.drop()
        await steps.create(lab, "storm")
        await ends.become("storm", wanted)
    assert refused.befallen, "no watch was opened anew"
    await ends.stay("storm", wanted)


@disturbance()
async def watch_half_open(lab: Lab) -> None:
    # A short time to find out; what is tested is that it does find out.
    controller, ends = await lab.start("--watch-idle", "4"), await Ends.of(lab)
    wanted = await ends.calm()
    silent = tuple(controller.proxy.watches)
    for watch in silent:
        watch.hold()
    await steps.create(lab, "storm")
    await ends.become("storm", wanted)
    assert not set(silent) & controller.proxy.watches, "a silent watch is still open"


@disturbance()
async def bookmarks_of_every_kind(lab: Lab) -> None:
    """As the API server sends them once a minute: for some kinds they aren't whole objects."""
    controller, ends = await lab.start(), await Ends.of(lab)
    wanted = await ends.calm()
    watches = tuple(controller.proxy.watches)
    kinds = {kind.plural: kind for kind in await lab.kinds("watch")}
    for watch in watches:
        watch.insert(await lab.api.bookmark(kinds[watch.call.resource], lab.namespace))
    await steps.create(lab, "storm")
    await ends.become("storm", wanted)
    assert set(watches) == controller.proxy.watches, "a bookmark has ended a watch"


@disturbance()
async def watch_expired(lab: Lab) -> None:
    controller, ends = await lab.start(), await Ends.of(lab)
    wanted = await ends.calm()
    for watch in tuple(controller.proxy.watches):
        watch.hold()
    await steps.create(lab, "storm")
    for watch in tuple(controller.proxy.watches):
        watch.expire()
    await ends.become("storm", wanted)
    await ends.stay("storm", wanted)


@disturbance()
async def watch_refused_with_410(lab: Lab) -> None:
    controller, ends = await lab.start(), await Ends.of(lab)
    wanted = await ends.calm()
    gone = Befalling(is_watch, answer(410), times=len(controller.proxy.watches))
    with controller.proxy.disturbed(gone):
        for watch in tuple(controller.proxy.watches):
            watch.drop()
        await steps.create(lab, "storm")
        await ends.become("storm", wanted)
    assert gone.befallen
    await ends.stay("storm", wanted)


@disturbance()
async def deletions_missed_while_cut_off(lab: Lab) -> None:
    controller, ends = await lab.start(), await Ends.of(lab)
    wanted = await ends.calm()
    for name in ("storm", "gone"):
        await steps.create(lab, name)
        await ends.become(name, wanted)
    with controller.proxy.disturbed(Befalling(lambda call: bool(call.resource), hang_up)):
        for watch in tuple(controller.proxy.watches):
            watch.drop()
        await _delete_children(lab, ends, "storm")
        await lab.delete("gone")
    await ends.become("storm", wanted)
    await ends.become("gone", {})
    await ends.stay("storm", wanted)
    await ends.stay("gone", {})


@disturbance()
async def deletions_missed_while_it_was_not_running(lab: Lab) -> None:
    controller, ends = await lab.start(), await Ends.of(lab)
    wanted = await ends.calm()
    for name in ("storm", "gone"):
        await steps.create(lab, name)
        await ends.become(name, wanted)
    controller.kill()
    await controller.ended()
    await _delete_children(lab, ends, "storm")
    await lab.delete("gone")
    await controller.start()
    await controller.started()
    await ends.become("storm", wanted)
    await ends.become("gone", {})


@disturbance()
async def stale_reads(lab: Lab) -> None:
    controller, ends = await lab.start(), await Ends.of(lab)
    wanted = await ends.calm(_edit_quickly)
    controller.proxy.watch_delay = 1.5
    lagging = Befalling(is_read, late(1.0))
    with controller.proxy.disturbed(lagging):
        await _edit_quickly(lab, "storm")
        await ends.become("storm", wanted)
        await controller.rest(3.0)
        await ends.become("storm", wanted, patience=0)
        # One that is deleted and made anew in the meantime of a stale cache must get children of its own.
        await steps.recreate(lab, "storm")
        await lab.ready("storm", patience=60)
        await _owned(lab, "storm")


async def _edit_quickly(lab: Lab, name: str) -> None:
    await steps.create(lab, name)
    for field in lab.subject.typical:
        await steps.change(field)(lab, name)


async def _owned(lab: Lab, name: str) -> None:
    owner = await lab.api.get(lab.subject.resource, lab.namespace, name)

    async def check() -> None:
        (deployment,) = [
            item for item in await lab.api.list(DEPLOYMENTS, lab.namespace) if item["metadata"]["name"].startswith(name)
        ]
        (reference,) = deployment["metadata"]["ownerReferences"]
        assert reference["uid"] == owner["metadata"]["uid"]

    await eventually(check)


async def _delete_children(lab: Lab, ends: Ends, name: str) -> None:
    for kind in ends.resources:
        if kind == lab.subject.resource:
            continue
        for item in await lab.api.list(kind, lab.namespace):
            if item["metadata"]["name"].startswith(name):
                await lab.api.delete(kind, lab.namespace, item["metadata"]["name"])
