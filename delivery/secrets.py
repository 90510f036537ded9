"""Masks what may be secret.

The engine masks what the program marked as secret. This is the second net: what Kubernetes itself calls a Secret, what
its name calls one, and passwords in URLs are masked whoever wrote them and whether or not they were marked.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from delivery.changes import ABSENT, is_list, is_map

if TYPE_CHECKING:
    from collections.abc import Mapping

    from delivery.changes import Path

MASK: Final = "[secret]"
"""What the engine, too, writes in the place of a secret."""

_SECRET_FIELDS: Final = {
    "core/Secret": ("data", "stringData"),
    "random/RandomPassword": ("result", "bcryptHash"),
    "random/RandomBytes": ("base64", "hex"),
    # A path or the file itself, with its credentials.
    "pulumi/kubernetes": ("kubeconfig",),
}
# Of a key or of an environment variable; `passwordSecret` or `secretName` name a Secret and hold none.
_SECRET_NAME: Final = re.compile(
    r"(^|[_.-]|[a-z](?=[A-Z]))(password|passwd|passphrase|token|private[_-]?key|api[_-]?key|access[_-]?key|credentials?)$",
    re.IGNORECASE,
)
# user:password@ of a URL
_URL_PASSWORD: Final = re.compile(r"(//[^/\s:@]*:)[^/\s@]+@")
# The plugin's copy of the last applied object may hold an earlier Secret in plain text.
_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


def masked(kind: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object's inputs with every secret masked; keys stay, so that a diff still names them."""
    secret = _SECRET_FIELDS.get(kind, ())
    return {name: _hidden(value) if name in secret else _masked(name, value) for name, value in inputs.items()}


def masked_at(kind: str, path: Path, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return the value of one field of an object as `masked` would show it."""
    if path[0] in _SECRET_FIELDS.get(kind, ()):
        return _hidden(value)
    *before, last = path
    # The value of an environment variable goes by the variable's name, an element by the name of its list.
    named = [step for step in before if last == "value" and step.startswith("[")]
    name = named[-1].strip("[]") if named else next(step for step in reversed(path) if not step.startswith("["))
    return _masked(name, value)


def masked_value(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a value that stands alone, for instance a setting, with every secret in it masked."""
    return _masked("", value)


def _masked(name: str, value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if is_map(value):
        return {key: _masked(key, each) for key, each in _environment_variable(value).items()}
    if is_list(value):
        return [_masked(name, each) for each in value]
    if not isinstance(value, str):
        return value
    if name == _LAST_APPLIED or _SECRET_NAME.search(name):
        return MASK
    return _URL_PASSWORD.sub(rf"\1{MASK}@", value)


def _environment_variable(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Mask the value of a ``{name, value}`` pair whose name tells of a secret."""
    name = value.get("name")
    if isinstance(name, str) and _SECRET_NAME.search(name) and isinstance(value.get("value"), str):
        return {**value, "value": MASK}
    return value


def _hidden(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if value is ABSENT:
        return value
    return dict.fromkeys(value, MASK) if is_map(value) else MASK
