"""What lives in Pulumi's state alone: generated values and providers."""

from typing import Final

from delivery.consequences.model import Consequence, Kind, Rule
from delivery.consequences.table import sources

_NONE, _REPLACEMENT, _LOSS = Consequence.NONE, Consequence.REPLACEMENT, Consequence.DATA_LOSS

_RANDOM: Final = (
    Rule("+", _NONE, "A new value that nothing uses yet.", sources.RANDOM),
    Rule("-", _NONE, "The value leaves the state; what was made of it stays until it is deleted itself.",
         sources.RANDOM),
    Rule("±", _REPLACEMENT, "A new value; clients of the old one are refused once the servers have the new one.",
         sources.RANDOM),
)  # fmt: skip

_PROVIDER: Final = (
    Rule("+", _NONE, "Another way to a cluster.", sources.PROVIDER),
    Rule("-", _NONE, "Nothing is made through it any more.", sources.PROVIDER),
    # Everything that was made through it is then replaced too, and stands in the report for itself.
    Rule("±", _REPLACEMENT, "The stack moves to another cluster.", sources.PROVIDER),
    *(
        Rule(field, _NONE, "Says how the plugin writes; no object changes by it.", sources.PROVIDER)
        for field in ("enableConfigMapMutable", "enableSecretMutable", "enablePatchForce")
    ),
    Rule("version", _NONE, "Another version of the plugin.", sources.PROVIDER),
    Rule("pluginDownloadURL", _NONE, "Where the plugin is loaded from.", sources.PROVIDER),
)

ENGINE: Final = {
    "random/RandomPassword": Kind(_RANDOM),
    "random/RandomString": Kind(_RANDOM),
    "random/RandomId": Kind(_RANDOM),
    "pulumi/kubernetes": Kind(_PROVIDER, holds_state=True),
    "pulumi/random": Kind(_PROVIDER),
}
