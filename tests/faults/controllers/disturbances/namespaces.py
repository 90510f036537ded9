"""The namespace goes, with everything in it: objects, children, the controller's account and rights."""

from __future__ import annotations

import asyncio

from tests.faults.controllers import steps
from tests.faults.controllers.api import NAMESPACES
from tests.faults.controllers.ends import Ends
from tests.faults.controllers.faults import kill_at_write
from tests.faults.controllers.kills import Tally
from tests.faults.controllers.lab import Lab, eventually, of_name, open_lab
from tests.faults.controllers.registry import disturbance
from tests.faults.controllers.states import difference

# The namespace controller removes things in turns of some seconds.
GONE_SECONDS = 90


@disturbance()
async def namespace_deleted_while_an_object_is_being_made(lab: Lab) -> Tally:
    """Without a kill, and killed after each write: the namespace goes, and in one of the same name all works again."""
    writes, _ = await _doomed(lab, 0)
    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(_doomed(lab, number)) for number in range(1, writes + 1)]
    kills = sum(dead for _, dead in (run.result() for run in runs))
    return Tally(writes=writes, kills=kills, equal=kills)


async def _doomed(lab: Lab, number: int) -> tuple[int, bool]:
    async with open_lab(lab.cluster, lab.api, lab.subject, lab.folder) as doomed:
        return await _doom(doomed, number)


async def _doom(lab: Lab, number: int) -> tuple[int, bool]:
    """Delete the namespace after the write of this number, in which the controller is killed; 0: at once, unkilled.

    Return how many writes an object takes that nothing happens to, and whether the controller was killed.
    """
    controller, ends = await lab.start(), await Ends.of(lab)
    wanted = await ends.calm()
    writes = sum(of_name("calm")(call) for call in controller.proxy.writes)
    dead = False

    def kill() -> None:
        nonlocal dead
        dead = True
        controller.kill()

    async def dead_or_done() -> None:
        # Pods that come at once cost fewer writes of the status than those before: the last one may not come.
        assert dead or not difference(wanted, await ends.state("storm"))

    with controller.proxy.disturbed(kill_at_write(number, of_name("storm"), kill, answered=False)):
        await steps.create(lab, "storm")
        if number:
            await eventually(dead_or_done)
        await lab.api.delete(NAMESPACES, "", lab.namespace)
    if dead:
        await controller.restart()
    await lab.gone(GONE_SECONDS)
    assert controller.alive, f"the controller has ended:\n{controller.log()[-2000:]}"
    await lab.prepare()
    await steps.create(lab, "again")
    await ends.become("again", wanted)
    return writes, dead
