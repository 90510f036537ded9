"""What the checks of all kinds share: reading conditions, and giving up."""

from __future__ import annotations

from sandbox.provider.values import Properties


class HopelessError(Exception):
    """The object won't become ready without another edit, so waiting on is no use."""


def condition(live: Properties, name: str) -> Properties:
    """Return the status condition of that type, empty if there is none."""
    conditions: list[Properties] | None = live.get("status", Properties()).get("conditions")
    found = (item for item in conditions or () if item.get("type") == name)
    return next(found, Properties())


def explain(found: Properties) -> str:
    """Return a condition's reason and message as text."""
    return ": ".join(str(found[part]) for part in ("reason", "message") if found.get(part))


def unobserved(live: Properties) -> bool:
    """Tell whether the status is still that of an earlier generation of the object."""
    return live.get("status", {}).get("observedGeneration", 0) < live["metadata"].get("generation", 0)
