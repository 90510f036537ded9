"""More than one controller at once."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from tests.faults.controllers import steps
from tests.faults.controllers.ends import Ends
from tests.faults.controllers.proxy import Answer, Forward, HangUpError
from tests.faults.controllers.registry import disturbance

if TYPE_CHECKING:
    from tests.faults.controllers.calls import Call
    from tests.faults.controllers.lab import Lab

# Seconds: short, so that a test needn't wait for Kubernetes' own 15, 10 and 2.
TIMING = ("--lease", "8", "--renew-deadline", "6", "--retry-period", "0.5")


@disturbance()
async def two_controllers_at_once(lab: Lab) -> None:
    _, ends = await lab.start(), await Ends.of(lab)
    wanted = await ends.calm()
    await lab.start()
    names = ("storm-one", "storm-two", "storm-three")
    for name in names:
        await steps.create(lab, name)
    for name in names:
        await ends.become(name, wanted)
    for name in names:
        await ends.stay(name, wanted)


@disturbance()
async def leader_killed(lab: Lab) -> None:
    election = ("--leader-election-namespace", lab.namespace, *TIMING)
    leader, ends = await lab.start(*election), await Ends.of(lab)
    wanted = await ends.calm()
    heir = await lab.start(*election)
    assert not heir.proxy.writes, "the second one writes though the first one leads"
    leader.kill()
    await leader.ended()
    await steps.create(lab, "storm")
    await ends.become("storm", wanted)
    await ends.stay("storm", wanted)


@disturbance()
async def leader_told_to_stop(lab: Lab) -> None:
    election = ("--leader-election-namespace", lab.namespace)  # of standard timing: only a release is this quick
    leader, ends = await lab.start(*election), await Ends.of(lab)
    wanted = await ends.calm()
    await lab.start(*election)
    leader.signal(signal.SIGTERM)
    assert await leader.ended() == 0
    await steps.create(lab, "storm")
    await ends.become("storm", wanted, patience=10)


@disturbance()
async def leader_paused_past_its_lease(lab: Lab) -> None:
    election = ("--leader-election-namespace", lab.namespace, *TIMING)
    leader, ends = await lab.start(*election), await Ends.of(lab)
    wanted = await ends.calm()
    await lab.start(*election)
    paused = False

    async def pause_at_first_write(call: Call, forward: Forward) -> Answer | None:
        nonlocal paused
        if paused and call.is_write:
            # One that was on its way when it was stopped; a TCP peer that stands still sends nothing new.
            raise HangUpError
        taken = await forward()
        if call.is_write and not paused:
            paused = True
            leader.signal(signal.SIGSTOP)
        return taken

    with leader.proxy.disturbed(pause_at_first_write):
        await steps.create(lab, "storm")
        await ends.become("storm", wanted)
    assert paused
    before = len([call for call in leader.proxy.calls if call.is_write])
    leader.signal(signal.SIGCONT)
    # Another one leads: it must end rather than go on where it stood.
    assert await leader.ended() == 1
    late = [call for call in leader.proxy.calls if call.is_write][before:]
    assert not late, f"it wrote after its lease: {late}"
    await ends.stay("storm", wanted)
