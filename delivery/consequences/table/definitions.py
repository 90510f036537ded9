"""CustomResourceDefinitions."""

from typing import Final

from delivery.consequences import conditions as when
from delivery.consequences.model import Consequence, Kind, Rule
from delivery.consequences.table import sources

_NONE, _LOSS, _UNKNOWN = Consequence.NONE, Consequence.DATA_LOSS, Consequence.UNKNOWN
_SCHEMA: Final = "spec.versions.*.schema.**"

_DEFINITION: Final = (
    Rule("+", _NONE, "A new kind, of which there are no objects.", sources.DEFINITION),
    Rule("-", _LOSS, "Every object of the kind goes with it, and what they own.", sources.DEFINITION),
    Rule("±", _LOSS, "Deleted first, and every object of the kind with it.", sources.DEFINITION),
    Rule(_SCHEMA, _NONE, "A text for people.", sources.DEFINITION, when.last_is("description")),
    Rule(_SCHEMA, _LOSS, "What the schema no longer names is pruned from objects when they are next written.",
         sources.DEFINITION, when.property_removed),
    Rule(_SCHEMA, _NONE, "Stored objects stay valid until the field itself is edited.", sources.DEFINITION, when.added),
    Rule(_SCHEMA, _NONE, "A rule that goes lets more pass.", sources.DEFINITION, when.removed),
    Rule("spec.versions.*.additionalPrinterColumns.**", _NONE, "What kubectl shows.", sources.DEFINITION),
    Rule("spec.versions.*.selectableFields.**", _NONE, "What clients may select by.", sources.DEFINITION),
    Rule("spec.versions.*.subresources.**", _NONE, "How status and scale are written; objects stay.",
         sources.DEFINITION),
    Rule("spec.versions.**", _LOSS, "Objects of the version can't be read any more.", sources.DEFINITION, when.removed),
    Rule("spec.names.shortNames.**", _NONE, "What people may type.", sources.DEFINITION),
    Rule("spec.names.categories.**", _NONE, "What people may type.", sources.DEFINITION),
    Rule(_SCHEMA, _UNKNOWN, "Whether stored objects still fit isn't visible here.", sources.DEFINITION),
)  # fmt: skip

DEFINITIONS: Final = {"apiextensions.k8s.io/CustomResourceDefinition": Kind(_DEFINITION, holds_state=True)}
