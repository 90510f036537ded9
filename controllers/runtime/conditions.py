"""Conditions of a status, as Kubernetes' API conventions describe them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

Truth = Literal["True", "False", "Unknown"]


@dataclass(frozen=True)
class Condition:
    """One aspect of an object's state: ``reason`` is one CamelCase word, ``message`` is for people."""

    type: str
    status: Truth
    reason: str
    message: str


def merge_conditions(
    old: Sequence[dict[str, Any]], new: Sequence[Condition], generation: int, now: datetime
) -> list[dict[str, Any]]:
    """Return ``new`` as the API writes it; a condition of unchanged status keeps its transition time."""
    since = {(c["type"], c["status"]): c["lastTransitionTime"] for c in old}
    return [
        {
            "type": condition.type,
            "status": condition.status,
            "observedGeneration": generation,
            "reason": condition.reason,
            "message": condition.message,
            "lastTransitionTime": since.get((condition.type, condition.status)) or _timestamp(now),
        }
        for condition in new
    ]


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
