"""Has a protected stack refuse ``pulumi destroy`` as a whole."""

from collections.abc import Iterable, Sequence
from typing import Any

import pulumi

from components.base import Component


class Protection(Component):
    """What ``pulumi destroy`` may not delete, nor therefore what it depends on: all of the stack. It has no object.

    The engine (Pulumi 3.259) spares what a protected resource depends on, and deletes all else that isn't protected.
    """

    def __init__(
        self, name: str, *, of: Sequence[Component], protect: bool, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        charts = pulumi.Output.all(*(chart.resources for part in of for chart in part.charts))
        rest = pulumi.ResourceOptions(
            depends_on=charts.apply(lambda each: [*of, *_objects(each)]),
            protect=protect,
        )
        super().__init__(name, pulumi.ResourceOptions.merge(opts, rest))
        self.register_outputs({})


def _objects(charts: Iterable[Sequence[Any] | None]) -> list[pulumi.Resource]:
    """Return the objects of charts, which a dependency on their chart doesn't name for the engine.

    One of a kind that the SDK doesn't know comes as a text: it is protected by itself.
    """
    return [each for chart in charts for each in chart or () if isinstance(each, pulumi.Resource)]
