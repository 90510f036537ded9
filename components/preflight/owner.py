"""Whose the cluster is (decision 4)."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.cluster import OWNER_PATH, owned_by_other, stack_name
from components.preflight.live import LiveCluster, part

if TYPE_CHECKING:
    from components.settings import Settings


def other_stack(settings: "Settings", live: LiveCluster) -> Iterator[str]:
    """Yield whose the cluster is, if it isn't this stack's or nobody's."""
    mark = live.get(OWNER_PATH)
    if mark and (holder := part(mark, "data").get("stack")) != stack_name():
        yield owned_by_other(settings.cluster.context, holder, stack_name())
