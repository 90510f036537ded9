"""The annotations by which a program steers the plugin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from sandbox.provider.errors import ProviderError
from sandbox.provider.kubernetes.conditions import Condition, parse

if TYPE_CHECKING:
    from sandbox.provider.values import Properties

AUTONAMED: Final = "pulumi.com/autonamed"
SKIP_AWAIT: Final = "pulumi.com/skipAwait"
WAIT_FOR: Final = "pulumi.com/waitFor"
TIMEOUT_SECONDS: Final = "pulumi.com/timeoutSeconds"
PATCH_FORCE: Final = "pulumi.com/patchForce"
FIELD_MANAGER: Final = "pulumi.com/patchFieldManager"
PROPAGATION: Final = "pulumi.com/deletionPropagationPolicy"

DEFAULT_TIMEOUT_SECONDS: Final = 600.0
"""The official plugin's ten minutes."""
_POLICIES: Final = {"background": "Background", "foreground": "Foreground", "orphan": "Orphan"}


def value(body: Properties, name: str) -> str | None:
    """Return the annotation's value, or None."""
    annotations: Properties = body.get("metadata", {}).get("annotations", {})
    found = annotations.get(name)
    return found if isinstance(found, str) else None


def is_true(body: Properties, name: str) -> bool:
    """Tell whether the annotation is set to "true"."""
    return value(body, name) == "true"


def timeout(body: Properties, requested: float) -> float:
    """Return the seconds to wait: the resource option customTimeouts, 0 if unset, else the annotation's or 600."""
    text = value(body, TIMEOUT_SECONDS)
    if requested:
        return requested
    if text is None:
        return DEFAULT_TIMEOUT_SECONDS
    if not text.isdecimal():
        raise ProviderError(f"annotation {TIMEOUT_SECONDS} is {text!r}, must be a whole number of seconds")
    return float(text)


def propagation(body: Properties) -> str:
    """Return what becomes of the object's dependents: deleted first, deleted later or left."""
    text = value(body, PROPAGATION) or "foreground"
    if text.lower() not in _POLICIES:
        raise ProviderError(f"annotation {PROPAGATION} is {text!r}, must be one of {', '.join(_POLICIES)}")
    return _POLICIES[text.lower()]


def wait_for(body: Properties) -> list[Condition]:
    """Return the conditions that the program wants to wait for: one expression or a JSON list of them."""
    text = value(body, WAIT_FOR)
    if text is None:
        return []
    try:
        expressions: list[str] = json.loads(text) if text.startswith("[") else [text]
    except json.JSONDecodeError as error:
        raise ProviderError(f"annotation {WAIT_FOR} is {text!r}, which isn't understood as JSON: {error}") from error
    return [parse(expression) for expression in expressions]
