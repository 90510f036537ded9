"""Turns listings and events into records, each change into exactly one."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from controllers.crdwatch.memory import Known, Memory
from controllers.runtime.list_watch import Event

Body = dict[str, Any]
RecordType = Literal["added", "modified", "deleted", "gap"]
Write = Callable[[RecordType, dict[str, Any]], None]


class History:
    """What is logged: ``write`` gets a record's type and content, once for each change."""

    def __init__(self, memory: Memory, write: Write) -> None:
        self._memory = memory
        self._write = write

    @property
    def version(self) -> str | None:
        """The resource version up to which all was logged; None before the first listing."""
        return self._memory.version

    def take_listing(self, version: str, items: Sequence[msgspec.Raw], reason: str) -> None:
        """Log how all objects, as they were at ``version``, differ from what was logged before.

        If anything was, changes in between are lost for good: a record ``gap`` comes first, with ``reason``.
        """
        if (since := self._memory.version) is not None:
            self._write("gap", {"reason": reason, "since": since, "until": version})
        bodies = [_body(item) for item in items]
        for uid in self._memory.uids() - {_uid(body) for body in bodies}:
            self._deleted(uid, None)
        for body in bodies:
            self._exists(body)
        self._memory.version = version

    def take_event(self, event: Event) -> None:
        """Log a change. A bookmark is none: it only says up to where all was seen."""
        body = _body(event.object)
        match event.type:
            case "BOOKMARK":
                pass
            case "DELETED":
                self._deleted(_uid(body), body)
            case _:
                self._exists(body)
        self._memory.version = body["metadata"]["resourceVersion"]

    def _exists(self, body: Body) -> None:
        uid, version = _uid(body), body["metadata"]["resourceVersion"]
        before = self._memory.get(uid)
        if before and before.version == version:
            return
        self._write("modified" if before else "added", {"object": body})
        self._memory.put(uid, Known(version, body))

    def _deleted(self, uid: str, last: Body | None) -> None:
        """Log a deletion with the object's last state, or with the last one known."""
        before = self._memory.get(uid)
        if before is None:
            return
        self._write("deleted", {"object": last or before.body})
        self._memory.remove(uid)


def _body(raw: msgspec.Raw) -> Body:
    """Return an object without the API server's bookkeeping of who wrote which field."""
    body: Body = msgspec.json.decode(raw)
    body["metadata"].pop("managedFields", None)
    return body


def _uid(body: Body) -> str:
    return body["metadata"]["uid"]
