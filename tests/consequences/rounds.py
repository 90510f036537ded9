"""Sorts the table of edits into rounds: what one update does, an edit of each area at most."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest

from tests.consequences.edits import Edit

WHOLE: str = ""
"""Stands for the whole stack where areas are named."""


@dataclass(frozen=True)
class Move:
    """One edit, or the way back from it."""

    area: str
    edit: Edit
    undoes: bool

    @property
    def name(self) -> str:
        return f"back from {self.edit.name}" if self.undoes else self.edit.name


def rounds(by_area: Mapping[str, tuple[Edit, ...]]) -> list[list[Move]]:
    """Return the moves of all areas, side by side."""
    queues = [list(_moves(area, edits)) for area, edits in by_area.items()]
    return [[move for move in side_by_side if move] for side_by_side in zip_longest(*queues)]


def one_by_one(edits: tuple[Edit, ...]) -> list[list[Move]]:
    """Return the moves of edits that concern the whole stack."""
    return [[move] for move in _moves(WHOLE, edits)]


def _moves(area: str, edits: tuple[Edit, ...]) -> Iterator[Move]:
    for edit in edits:
        yield Move(area, edit, undoes=False)
        if edit.back:
            yield Move(area, edit, undoes=True)
