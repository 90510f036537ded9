"""Random text under rules: which kinds of characters, how many of each at least."""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sandbox.provider.values import Properties

SPECIAL: Final = "!@#$%&*()-_=+[]{}<>:?"
"""The official plugin's special characters, for whoever names none."""

DEFAULTS: Final[Properties] = {
    "lower": True,
    "minLower": 0,
    "minNumeric": 0,
    "minSpecial": 0,
    "minUpper": 0,
    "numeric": True,
    "special": True,
    "upper": True,
}
_MINIMA: Final = ("minLower", "minNumeric", "minSpecial", "minUpper")
KNOWN: Final = frozenset((*DEFAULTS, "keepers", "length", "number", "overrideSpecial"))


def complete(inputs: Properties) -> Properties:
    """Return the rules with the defaults filled in; `number` is the old name of `numeric`."""
    numeric = inputs.get("numeric", inputs.get("number", True))
    rest = {name: value for name, value in inputs.items() if name != "number"}
    return {**DEFAULTS, **rest, "numeric": numeric}


def find_faults(inputs: Properties) -> list[tuple[str, str]]:
    """Return what is wrong with the rules, as pairs of input and reason."""
    rules = complete(inputs)
    length = rules.get("length", 0)
    wanted = sum(rules[name] for name in _MINIMA)
    faults: list[tuple[str, str]] = []
    if length < 1 or length < wanted:
        faults.append(
            ("length", f"is {length}, must be at least 1 and at least {wanted}, the sum of {', '.join(_MINIMA)}")
        )
    if inputs.get("number", rules["numeric"]) != rules["numeric"]:
        faults.append(("number", "differs from numeric, of which it is the old name"))
    if not any(rules[name] for name in ("lower", "numeric", "special", "upper")):
        faults.append(("special", "one of lower, numeric, special and upper must be true"))
    return faults


def generate(rules: Properties) -> str:
    """Return text that keeps the completed rules."""
    kinds = {
        "Lower": string.ascii_lowercase if rules["lower"] else "",
        "Numeric": string.digits if rules["numeric"] else "",
        "Special": (rules.get("overrideSpecial") or SPECIAL) if rules["special"] else "",
        "Upper": string.ascii_uppercase if rules["upper"] else "",
    }
    chosen = [secrets.choice(kind) for name, kind in kinds.items() if kind for _ in range(rules[f"min{name}"])]
    every = "".join(kinds.values())
    chosen += [secrets.choice(every) for _ in range(rules["length"] - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)


def rules_of(text: str) -> Properties:
    """Return the rules under which text of unknown origin is taken over."""
    return {**DEFAULTS, "length": len(text)}
