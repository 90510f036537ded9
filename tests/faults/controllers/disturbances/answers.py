"""Calls that are refused, fail, or are carried out without an answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.faults.controllers import steps
from tests.faults.controllers.ends import Ends
from tests.faults.controllers.faults import (
    Befalling,
    Spoil,
    answer,
    hang_up,
    hang_up_after,
    is_read,
    is_watch,
    is_write,
)
from tests.faults.controllers.lab import TIMEOUT, Lab, eventually, of_name
from tests.faults.controllers.registry import disturbance

if TYPE_CHECKING:
    from tests.faults.controllers.calls import Call
    from tests.faults.controllers.proxy import Answer, Forward

# Less than the writes of any scenario, so that the fault befalls all of them in one object's turns.
TIMES = 3
RETRY_AFTER = 3


@disturbance()
async def writes_answered_409(lab: Lab) -> None:
    await _spoil_writes(lab, answer(409))


@disturbance()
async def writes_answered_500(lab: Lab) -> None:
    await _spoil_writes(lab, answer(500))


@disturbance()
async def writes_answered_503(lab: Lab) -> None:
    await _spoil_writes(lab, answer(503))


@disturbance()
async def writes_cut_off_before_they_are_carried_out(lab: Lab) -> None:
    await _spoil_writes(lab, hang_up)


@disturbance()
async def writes_cut_off_after_they_were_carried_out(lab: Lab) -> None:
    await _spoil_writes(lab, hang_up_after)


@disturbance()
async def a_write_carried_out_and_never_answered(lab: Lab) -> None:
    async def silence(forward: Forward) -> Answer:
        await forward()
        await asyncio.Event().wait()
        raise AssertionError

    # The controller has to find out by its own time-out.
    await _spoil_writes(lab, silence, times=1, patience=3 * TIMEOUT)


@disturbance()
async def writes_answered_429_with_retry_after(lab: Lab) -> None:
    controller, ends = await lab.start(), await Ends.of(lab)
    wanted = await ends.calm()
    busy = Befalling(
        lambda call: call.is_write and of_name("storm")(call), answer(429, **{"Retry-After": str(RETRY_AFTER)}), 1
    )
    with controller.proxy.disturbed(busy):
        await steps.create(lab, "storm")
        await ends.become("storm", wanted)
    calls = [call for call in controller.proxy.calls if call.is_write and of_name("storm")(call)]
    first = next(call for call in calls if call.code is None)  # it never reached the API server
    second = next(call for call in calls if call.resource == first.resource and call is not first)
    waited = second.at - first.at
    assert waited > RETRY_AFTER - 0.2, f"asked for patience of {RETRY_AFTER} s, it wrote again after {waited:.1f} s"
    await ends.stay("storm", wanted)


@disturbance()
async def lists_and_watches_answered_500_at_the_start(lab: Lab) -> None:
    await _spoil_start(lab, answer(500))


@disturbance()
async def lists_and_watches_answered_429_at_the_start(lab: Lab) -> None:
    await _spoil_start(lab, answer(429, **{"Retry-After": "1"}))


@disturbance()
async def lists_and_watches_cut_off_at_the_start(lab: Lab) -> None:
    await _spoil_start(lab, hang_up)


@disturbance()
async def no_connection_for_a_while(lab: Lab) -> None:
    controller, ends = await lab.start(), await Ends.of(lab)
    wanted = await ends.calm()
    away = Befalling(lambda _: True, hang_up)
    with controller.proxy.disturbed(away):
        for watch in tuple(controller.proxy.watches):
            watch.drop()
        await steps.create(lab, "storm")

        async def tried() -> None:
            assert away.befallen > 2 * len(ends.resources), "it does not try again"

        await eventually(tried)
    await ends.become("storm", wanted)
    await ends.stay("storm", wanted)


async def _spoil_writes(lab: Lab, spoil: Spoil, *, times: int = TIMES, patience: float = TIMEOUT) -> None:
    controller, ends = await lab.start(), await Ends.of(lab)
    wanted = await ends.calm()
    spoiled = Befalling(is_write, spoil, times)
    with controller.proxy.disturbed(spoiled):
        await steps.create(lab, "storm")
        await ends.become("storm", wanted, patience)
    assert spoiled.befallen == times
    await ends.stay("storm", wanted)


async def _spoil_start(lab: Lab, spoil: Spoil) -> None:
    controller, ends = await lab.start(), await Ends.of(lab)
    wanted = await ends.calm()

    def is_read_or_watch(call: Call) -> bool:
        return is_read(call) or is_watch(call)

    spoiled = Befalling(is_read_or_watch, spoil, times=2 * len(ends.resources))
    with controller.proxy.disturbed(spoiled):
        await controller.restart()
        await steps.create(lab, "storm")
        await ends.become("storm", wanted)
    await controller.started()
    await ends.stay("storm", wanted)
