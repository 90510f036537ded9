"""The table: what each change of each kind does, why, and where that is written.

A kind or field that has no row is unknown, never safe. Rows are tried from the top, and the first that fits counts.
"""

from typing import Final

from delivery.consequences.model import Consequence, Kind, Rule
from delivery.consequences.table.access import ACCESS
from delivery.consequences.table.core import CORE
from delivery.consequences.table.definitions import DEFINITIONS
from delivery.consequences.table.engine import ENGINE
from delivery.consequences.table.networking import NETWORKING
from delivery.consequences.table.operators import OPERATORS
from delivery.consequences.table.own import OWN
from delivery.consequences.table.postgres import POSTGRES
from delivery.consequences.table.sources import METADATA_DOCUMENT
from delivery.consequences.table.storage import STORAGE
from delivery.consequences.table.workloads import WORKLOADS

KINDS: Final[dict[str, Kind]] = {
    **WORKLOADS,
    **CORE,
    **NETWORKING,
    **ACCESS,
    **STORAGE,
    **DEFINITIONS,
    **OPERATORS,
    **POSTGRES,
    **OWN,
    **ENGINE,
}
"""Group and kind -> what is known of it."""

METADATA: Final = (
    Rule(
        "metadata.labels.**",
        Consequence.NONE,
        "Labels of the object itself; those of its pods stand in their template.",
        METADATA_DOCUMENT,
    ),
    Rule(
        "metadata.annotations.**",
        Consequence.NONE,
        "Annotations of the object itself; those of its pods stand in their template.",
        METADATA_DOCUMENT,
    ),
)
"""Rows that every known kind has, after its own."""
