"""When a disturbed run has come to its end, and whether that is the undisturbed one's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.controllers import steps
from tests.faults.controllers.lab import TIMEOUT, Lab, eventually
from tests.faults.controllers.states import State, difference, resources_of, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.faults.controllers.api import Resource


class Ends:
    """The states that a lab's objects end in."""

    def __init__(self, lab: Lab, resources: Sequence[Resource]) -> None:
        self._lab = lab
        self._own = f"{lab.subject.resource.plural}/"
        self.resources = resources

    @classmethod
    async def of(cls, lab: Lab) -> Ends:
        """Find out which kinds a lab's controller makes."""
        return cls(lab, await resources_of(lab))

    async def state(self, name: str) -> State:
        """Return what is there now."""
        return await state_of(self._lab, self.resources, name)

    async def settled(self, name: str) -> State:
        """Wait until all is done and the controller rests, and return what is there."""

        async def done() -> None:
            left = list(self._left_to_do(await self.state(name)))
            assert not left, "; ".join(left)

        await eventually(done)
        await self._lab.controller.rest()
        return await self.state(name)

    async def calm(self, step: steps.Step = steps.create) -> State:
        """Return what a step ends in when nothing disturbs it, and remove it."""
        await step(self._lab, "calm")
        state = await self.settled("calm")
        await steps.clear(self._lab, "calm")
        return state

    async def become(self, name: str, wanted: State, patience: float = TIMEOUT) -> None:
        """Wait for a state; raises AssertionError with the difference when it doesn't come."""

        async def equal() -> None:
            different = difference(wanted, await self.state(name))
            assert not different, f"{name} doesn't end as an undisturbed one:\n{different}"

        await eventually(equal, patience)

    async def stay(self, name: str, wanted: State) -> None:
        """Wait until every controller rests; the state must be the same then."""
        for controller in self._lab.controllers:
            if controller.alive:
                await controller.rest()
        await self.become(name, wanted, patience=0)

    def _left_to_do(self, state: State) -> Iterator[str]:
        own = [item for key, item in state.items() if key.startswith(self._own)]
        if not own and state:
            yield f"the garbage collector has left {', '.join(state)}"
        for key, item in state.items():
            if any(owner["owner"] == "unknown" for owner in item["metadata"].get("ownerReferences", [])):
                yield f"{key} belongs to an object that is gone"
        for item in own:
            conditions = {each["type"]: each for each in item.get("status", {}).get("conditions", [])}
            for kind, wanted in (("Ready", "True"), ("Progressing", "False")):
                found = conditions.get(kind, {})
                if (found.get("status"), found.get("observedGeneration")) != (wanted, item["metadata"]["generation"]):
                    yield f"{kind} is {found}"
