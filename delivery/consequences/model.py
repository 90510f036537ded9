"""What a consequence is, and what a rule says of one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from delivery.changes import Change
    from delivery.preview import Step


class Consequence(Enum):
    """What a change does to what runs, from the least to the worst; ``UNKNOWN`` is never taken for safe."""

    NONE = "no effect"
    """No running pod stops, nothing is made anew, nothing is lost."""
    ROLLING = "rolling restart"
    """Running pods stop, but never all of a workload at once; a scale-down to one or more counts here."""
    DOWNTIME = "downtime"
    """All running pods of a workload stop before a new one is ready, or what it serves can't be reached."""
    REPLACEMENT = "replacement"
    """An object is deleted and made anew; data outside of it stays."""
    DATA_LOSS = "data loss"
    """Volumes, or objects that hold what exists nowhere else, are deleted."""
    UNKNOWN = "unknown"
    """No rule knows the kind or the field."""

    @property
    def severity(self) -> int:
        """Greater is worse for whoever decides; what nobody knows is worst."""
        return list(Consequence).index(self)


Operation: TypeAlias = Literal["create", "update", "replace", "delete", "import"]
Condition: TypeAlias = "Callable[[Step, Change], bool]"


@dataclass(frozen=True)
class Source:
    """The document that a rule rests on, and the version in which it was read."""

    document: str
    version: str

    def __str__(self) -> str:
        return f"{self.document} ({self.version})"


@dataclass(frozen=True)
class Rule:
    """One row of the table; of the rows that fit, the first one counts."""

    subject: str
    """A field such as ``spec.template.**``, or the whole object: ``+`` created, ``-`` deleted, ``±`` replaced.

    ``*`` stands for one step, an element of a list among them; ``**`` at the end for any number of steps.
    """
    consequence: Consequence
    reason: str
    """One sentence for the reviewer: what happens and why."""
    source: Source
    when: Condition | None = None
    """Holds for the row to count; see `delivery.consequences.conditions`."""


@dataclass(frozen=True)
class Kind:
    """What the table knows of one kind."""

    rules: tuple[Rule, ...]
    holds_state: bool = False
    """Whether its deletion can take data along: then replacing it, or not knowing what happens, needs an approval."""


@dataclass(frozen=True)
class Finding:
    """What one change of a resource does; ``change`` is None for what concerns the whole object."""

    consequence: Consequence
    reason: str
    source: str
    change: Change | None = None
    rule: Rule | None = None


@dataclass(frozen=True)
class Verdict:
    """What an update does to one resource."""

    step: Step
    findings: tuple[Finding, ...]
    """Worst first."""
    holds_state: bool

    @property
    def consequence(self) -> Consequence:
        """The worst of the findings."""
        return self.findings[0].consequence
