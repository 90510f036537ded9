"""Refuses what may lose data, unless a person approved exactly that resource for exactly this change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from delivery.consequences import Consequence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from delivery.approvals import Approvals
    from delivery.document import Document, Resource


@dataclass(frozen=True)
class Decision:
    """Whether a change may go on."""

    refused: tuple[str, ...]
    """A sentence for each resource that nobody approved, and for each approval that nothing needs."""
    approved: tuple[str, ...]
    notes: tuple[str, ...]


def needs_approval(resource: Resource) -> bool:
    """Tell whether a person has to approve what becomes of a resource.

    Data loss always; a replacement, or what nobody knows, of what holds state.
    """
    consequence = Consequence(resource["consequence"])
    if consequence is Consequence.DATA_LOSS:
        return True
    return resource["holdsState"] and consequence in {Consequence.REPLACEMENT, Consequence.UNKNOWN}


def decide(report: Document, approvals: Approvals | None, base: str) -> Decision:
    """Compare what a report needs with what was approved.

    Args:
        report: of the change.
        approvals: of the pull request, if it has any.
        base: commit that the pull request starts from.

    """
    needed = {each["urn"]: each for each in report["resources"] if needs_approval(each)}
    notes: list[str] = []
    if approvals and approvals.base_commit != base:
        notes.append(f"The approvals are of base commit {approvals.base_commit}, this change starts from {base}.")
        approvals = None
    given = {each.urn: each.consequence for each in approvals.approvals} if approvals else {}
    approved = [urn for urn, resource in needed.items() if given.get(urn) == resource["consequence"]]
    return Decision(
        refused=(*_refused(needed, given), *_needless(needed, given)),
        approved=tuple(f"Approved: {needed[urn]['consequence']} of {urn}" for urn in approved),
        notes=tuple(notes),
    )


def _refused(needed: dict[str, Resource], given: dict[str, str]) -> Iterator[str]:
    for urn, resource in needed.items():
        consequence = resource["consequence"]
        if urn not in given:
            yield f"Not approved: {consequence} of {urn}. {' '.join(resource['reasons'])}"
        elif given[urn] != consequence:
            yield f"Approved was {given[urn]}, it is {consequence}: {urn}. {' '.join(resource['reasons'])}"


def _needless(needed: dict[str, Resource], given: dict[str, str]) -> Iterator[str]:
    for urn in given:
        if urn not in needed:
            yield f"Nothing needs the approval of {urn}: take it out, or correct the URN."
