"""Exceptions: what may break a rule for a while, and why."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from policies.objects import Violation

FILE = Path(__file__).parent / "exceptions.yaml"


@dataclass(frozen=True)
class Exemption:
    """One thing that may break one rule in some environments until a day."""

    rule: str
    subject: str
    environments: tuple[str, ...]
    reason: str
    expires: dt.date
    """The first day on which it no longer holds."""


def load(file: Path = FILE) -> list[Exemption]:
    """Return the exceptions of a file.

    Raises:
        ValueError: an entry lacks a key, has one too many, or an empty reason.

    """
    entries: list[dict[str, Any]] = yaml.safe_load(file.read_text()) or []
    return [_parse(entry) for entry in entries]


def _parse(entry: dict[str, Any]) -> Exemption:
    keys = Exemption.__dataclass_fields__.keys()
    if entry.keys() != keys or not str(entry["reason"]).strip() or not isinstance(entry["expires"], dt.date):
        raise ValueError(f"{entry}: an exception has the keys {', '.join(keys)}, a reason in words and a date")
    fields: dict[str, Any] = {**entry, "environments": tuple(entry["environments"])}
    return Exemption(**fields)


def judge(
    rule: str, violation: Violation, environment: str, exemptions: Sequence[Exemption], today: dt.date
) -> str | None:
    """Return the message of a violation, None where an exception covers it."""
    for each in exemptions:
        if (each.rule, each.subject) != (rule, violation.subject) or environment not in each.environments:
            continue
        if today < each.expires:
            return None
        return f"{violation}; its exception ended on {each.expires} ({each.reason})"
    return str(violation)
