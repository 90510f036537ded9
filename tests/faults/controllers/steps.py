"""What people do to objects: steps of scenarios, each for objects called ``name`` or ``name-…``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from tests.faults.controllers.calls import is_named_after

if TYPE_CHECKING:
    from tests.faults.controllers.lab import Lab

Step = Callable[["Lab", str], Awaitable[None]]


async def create(lab: Lab, name: str) -> None:
    """Create an object that has every kind of child."""
    await lab.create(name, lab.subject.full)


async def create_small(lab: Lab, name: str) -> None:
    """Create an object of the smallest spec."""
    await lab.create(name, lab.subject.smallest)


async def create_two(lab: Lab, name: str) -> None:
    """Create two at once."""
    await asyncio.gather(*(create(lab, f"{name}-{which}") for which in "ab"))


async def delete(lab: Lab, name: str) -> None:
    """Delete it."""
    await lab.api.delete(lab.subject.resource, lab.namespace, name)


async def recreate(lab: Lab, name: str) -> None:
    """Delete it and create one of the same name while the children of the first are still there."""
    await lab.delete(name)
    await create_small(lab, name)


async def scale(lab: Lab, name: str) -> None:
    """Scale it by the subresource."""
    await lab.scale(name, 3)


def change(field: str) -> Step:
    """Return a step that changes one field."""

    async def act(lab: Lab, name: str) -> None:
        await lab.change(name, lab.subject.named({field: lab.subject.changes[field]}, name))

    return act


def take_away(field: str) -> Step:
    """Return a step that takes a field away again."""

    async def act(lab: Lab, name: str) -> None:
        await lab.change(name, {field: None})

    return act


async def clear(lab: Lab, name: str) -> None:
    """Delete all that the other steps may have made."""
    for item in await lab.api.list(lab.subject.resource, lab.namespace):
        if is_named_after(item["metadata"]["name"], name):
            await lab.delete(item["metadata"]["name"])
