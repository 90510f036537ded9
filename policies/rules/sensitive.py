"""Secrets stay where secrets belong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policies.objects import Object, Rule, each

if TYPE_CHECKING:
    from collections.abc import Iterator

_TELLING = re.compile(
    r"(?i)(^|[^a-z])(password|passwd|passphrase|secret|token|api[-_]?key|private[-_]?key|access[-_]?key)s?$"
)
# The password of a URL's user, and the first line of a private key in PEM.
_GIVEN_AWAY = re.compile(r"://[^/\s:@]*:[^/\s@]+@|-----BEGIN [A-Z ]*PRIVATE KEY-----")


def _plaintext(declared: Object) -> Iterator[str]:
    for container in declared.containers():
        for variable in container.get("env", ()):
            if "value" in variable and _is_sensitive(variable["name"], str(variable["value"])):
                yield f"container '{container['name']}' has the variable '{variable['name']}' in plain text: {_INSTEAD}"
    if declared.kind == "ConfigMap":
        for key, value in declared.properties.get("data", {}).items():
            if _is_sensitive(key, str(value)):
                yield f"its key '{key}' holds what looks like a secret: {_INSTEAD}"


_INSTEAD = "take it from a Secret"


def _is_sensitive(name: str, value: str) -> bool:
    return bool(value) and bool(_TELLING.search(name) or _GIVEN_AWAY.search(value))


PLAINTEXT = Rule("plaintext-secret", "No secret stands in a ConfigMap or a variable.", each(_plaintext))
