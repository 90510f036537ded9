"""SIGKILL after every write of every scenario: the restarted controller must reach the undisturbed run's end state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.faults.controllers import steps
from tests.faults.controllers.faults import kill_at_write
from tests.faults.controllers.lab import eventually, of_name
from tests.faults.controllers.states import State, difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.controllers.ends import Ends
    from tests.faults.controllers.lab import Lab
    from tests.faults.controllers.subjects import Subject


@dataclass(frozen=True)
class Scenario:
    """What is done to objects; ``before`` is done and settled before it."""

    name: str
    act: steps.Step
    before: steps.Step | None = None


@dataclass
class Tally:
    """What became of a scenario's runs."""

    writes: int = 0
    kills: int = 0
    equal: int = 0
    failures: list[str] = field(default_factory=list[str])


def scenarios(subject: Subject, *, thorough: bool) -> Sequence[Scenario]:
    """Return all scenarios for a controller but the deletion of a namespace, which takes its account along.

    If it isn't to be thorough, of fields whose changes lead to the same writes one stands for all.
    """
    fields = subject.changes if thorough else subject.typical
    return [
        Scenario("create", steps.create),
        *(Scenario(f"change {name}", steps.change(name), steps.create) for name in fields),
        *(Scenario(f"remove {name}", steps.take_away(name), steps.create) for name in subject.removable),
        Scenario("scale", steps.scale, steps.create),
        Scenario("delete", steps.delete, steps.create),
        Scenario("delete and recreate", steps.recreate, steps.create),
        Scenario("two at once", steps.create_two),
    ]


class Runs:
    """The runs of one scenario, one after the other in one lab, each with objects of a name of its own."""

    def __init__(self, lab: Lab, scenario: Scenario, ends: Ends) -> None:
        self._lab = lab
        self._scenario = scenario
        self._ends = ends
        self._wanted: State = {}
        self.tally = Tally()

    async def undisturbed(self) -> None:
        """Do it without a kill: what comes of it is what must come of every run."""
        await self._before("calm")
        proxy = self._lab.controller.proxy
        seen = len(proxy.writes)
        await self._scenario.act(self._lab, "calm")
        self._wanted = await self._ends.settled("calm")
        self.tally.writes = sum(of_name("calm")(call) for call in proxy.writes[seen:])
        await steps.clear(self._lab, "calm")

    async def killed(self, *, answered: bool) -> None:
        """Do it with a kill after the first write, then after the second, until a run has no such write."""
        number = 1
        while await self._killed_at(number, answered=answered):
            number += 1

    async def _killed_at(self, number: int, *, answered: bool) -> bool:
        controller, name = self._lab.controller, f"k{number}{'a' if answered else 'b'}"
        await self._before(name)
        dead = False

        def kill() -> None:
            nonlocal dead
            dead = True
            controller.kill()

        with controller.proxy.disturbed(kill_at_write(number, of_name(name), kill, answered=answered)):
            await self._scenario.act(self._lab, name)

            async def dead_or_done() -> None:
                assert dead or not difference(self._wanted, await self._ends.state(name))

            await eventually(dead_or_done)
            if not dead:
                await controller.rest()
        if dead:
            await controller.restart()
        await self._compare(number, name, dead=dead)
        await steps.clear(self._lab, name)
        return dead

    async def _compare(self, number: int, name: str, *, dead: bool) -> None:
        self.tally.kills += dead
        try:
            await self._ends.become(name, self._wanted)
            if dead:
                await self._lab.controller.started()
            await self._ends.become(name, self._wanted, patience=0)
        except AssertionError as error:
            what = f"killed after write {number}" if dead else "not killed"
            self.tally.failures.append(f"{what}: {error}")
        else:
            self.tally.equal += dead

    async def _before(self, name: str) -> None:
        if self._scenario.before:
            await self._scenario.before(self._lab, name)
            await self._ends.settled(name)
