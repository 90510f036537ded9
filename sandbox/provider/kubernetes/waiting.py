"""Waits until an object is ready or gone, until time is up or the user cancels."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from sandbox.provider.errors import ProviderError
from sandbox.provider.kubernetes.api import ApiError
from sandbox.provider.kubernetes.readiness import lacks
from sandbox.provider.kubernetes.readiness.status import HopelessError

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from sandbox.provider.kubernetes.api import Api
    from sandbox.provider.values import Properties

_FIRST_POLL_SECONDS: Final = 0.05
_SLOWEST_POLL_SECONDS: Final = 1.0
"""Polls cost the API server little, never miss an event, and find what was there before they began."""
_NOT_FOUND: Final = 404


class NotReadyError(Exception):
    """Waiting ended before the object was ready."""

    def __init__(self, live: Properties, reason: str) -> None:
        super().__init__(reason)
        self.live = live


def until_ready(
    api: Api, path: str, live: Properties, body: Properties, *, seconds: float, cancelled: threading.Event
) -> Properties:
    """Return the object as soon as it is ready; raises NotReadyError with its last state."""
    lacking: str | None = None
    try:
        for _ in _polls(seconds, cancelled):
            lacking = lacks(live, body, api)
            if lacking is None:
                return live
            live = api.get(path)
    except (HopelessError, ApiError) as error:
        raise NotReadyError(live, str(error)) from error
    ending = "cancelled" if cancelled.is_set() else f"timed out after {seconds:g} s"
    raise NotReadyError(live, f"{ending} while {lacking}")


def until_gone(api: Api, path: str, uid: str, seconds: float, cancelled: threading.Event) -> None:
    """Return once the object with that uid is gone; raises ProviderError that says what holds it."""
    live: Properties = {}
    for _ in _polls(seconds, cancelled):
        try:
            live = api.get(path)
        except ApiError as error:
            if error.code == _NOT_FOUND:
                return
            raise
        if live["metadata"]["uid"] != uid:
            return
    ending = "cancelled" if cancelled.is_set() else f"timed out after {seconds:g} s"
    raise ProviderError(f"{ending} while waiting for the deletion of {live['kind']} {path}: {_held_by(live)}")


def _polls(seconds: float, cancelled: threading.Event) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    pause = _FIRST_POLL_SECONDS
    yield
    while time.monotonic() < deadline and not cancelled.wait(pause):
        pause = min(pause * 1.5, _SLOWEST_POLL_SECONDS)
        yield


def _held_by(live: Properties) -> str:
    finalizers = [*live["metadata"].get("finalizers", []), *live.get("spec", {}).get("finalizers", [])]
    messages = [
        str(item["message"])
        for item in live.get("status", {}).get("conditions") or ()
        if item.get("status") == "True" and item.get("message")
    ]
    return "; ".join([f"finalizers {', '.join(finalizers) or 'none'}", *messages])
