"""Turns listings and events into records, each change into exactly one."""

from collections.abc import Callable
from typing import Any, Literal

from controllers.crdwatch.api import Body, Event, Listing
from controllers.crdwatch.memory import Known, Memory

RecordType = Literal["added", "modified", "deleted", "gap"]
Record = dict[str, Any]
Write = Callable[[RecordType, Record], None]


class History:
    """What is logged: ``write`` gets a record's type and content, once for each change."""

    def __init__(self, memory: Memory, write: Write) -> None:
        self._memory = memory
        self._write = write

    @property
    def version(self) -> str | None:
        """The resource version up to which all was logged; None before the first listing."""
        return self._memory.version

    def take_listing(self, listing: Listing, reason: str) -> None:
        """Log what differs from what was logged before.

        If anything was, changes in between are lost for good: a record ``gap`` comes first, with ``reason``.
        """
        if (since := self._memory.version) is not None:
            self._write("gap", {"reason": reason, "since": since, "until": listing.version})
        for uid in self._memory.uids() - {_uid(item) for item in listing.items}:
            self._deleted(uid, None)
        for item in listing.items:
            self._exists(item)
        self._memory.version = listing.version

    def take_event(self, event: Event) -> None:
        """Log a change. A bookmark is none: it only says up to where all was seen."""
        match event.type:
            case "BOOKMARK":
                pass
            case "DELETED":
                self._deleted(_uid(event.object), event.object)
            case _:
                self._exists(event.object)
        self._memory.version = event.object["metadata"]["resourceVersion"]

    def _exists(self, item: Body) -> None:
        uid, version = _uid(item), item["metadata"]["resourceVersion"]
        before = self._memory.get(uid)
        if before and before.version == version:
            return
        shown = _shown(item)
        self._write("modified" if before else "added", {"object": shown})
        self._memory.put(uid, Known(version, shown))

    def _deleted(self, uid: str, last: Body | None) -> None:
        """Log a deletion with the object's last state, or with the last one known."""
        before = self._memory.get(uid)
        if before is None:
            return
        self._write("deleted", {"object": _shown(last) if last else before.body})
        self._memory.remove(uid)


def _uid(item: Body) -> str:
    return item["metadata"]["uid"]


def _shown(item: Body) -> Body:
    """Return the object without the API server's bookkeeping of who wrote which field."""
    metadata = {key: value for key, value in item["metadata"].items() if key != "managedFields"}
    return {**item, "metadata": metadata}
