"""API calls as the proxy sees them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
# Leases say who leads and events tell people what happened: neither is part of what a controller brings about.
ASIDE = frozenset({"leases", "events"})
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass
class Call:
    """One request: what it asks for, when, and the code it was answered with (None: not yet, or never)."""

    verb: str
    resource: str
    """Plural, with the subresource: ``websites/status``."""
    namespace: str
    name: str
    code: int | None = None
    at: float = field(default_factory=time.monotonic)

    @property
    def is_write(self) -> bool:
        """Whether it changes what the controller is there for."""
        return self.verb in WRITES and self.resource not in ASIDE

    @property
    def is_committed(self) -> bool:
        """Whether it was a write that the API server carried out."""
        return self.is_write and self.code is not None and self.code < 400

    @property
    def is_read(self) -> bool:
        """Whether it gets or lists objects of its kinds."""
        return self.verb in ("get", "list") and bool(self.resource) and self.resource not in ASIDE


def is_named_after(name: str, whose: str) -> bool:
    """Tell whether an object is called ``whose``, or ``whose-…`` as children are."""
    return f"{name}-".startswith(f"{whose}-")


def parse(method: str, path: str, query: Mapping[str, str]) -> Call:
    """Return what a request asks for; discovery has no resource."""
    parts = path.strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    namespace = ""
    # /namespaces/x alone is the object of that name, with more behind it it is the scope.
    if len(parts) > 2 and parts[0] == "namespaces":
        namespace, parts = parts[1], parts[2:]
    plural, name, subresource = (*parts, "", "", "")[:3]
    resource = f"{plural}/{subresource}" if subresource else plural
    return Call(_verb(method, name, query), resource, namespace, name)


def _verb(method: str, name: str, query: Mapping[str, str]) -> str:
    if method == "GET":
        if query.get("watch") in ("true", "1", "True"):
            return "watch"
        return "get" if name else "list"
    if method == "DELETE" and not name:
        return "deletecollection"
    return _VERBS.get(method, method.lower())
