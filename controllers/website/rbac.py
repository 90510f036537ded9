"""What the controller may do in each namespace that it watches; it needs nothing cluster-wide."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One rule of a Role."""

    api_groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]


NAMESPACE_RULES = (
    Rule(("extensions.example.com",), ("websites",), ("get", "list", "watch")),
    Rule(("extensions.example.com",), ("websites/status",), ("patch",)),
    # Server-side apply of an object that doesn't exist needs `create` as well as `patch`.
    # The garbage collector deletes Deployments and Services by their owner references.
    Rule(("apps",), ("deployments",), ("get", "list", "watch", "create", "patch")),
    Rule(("",), ("services",), ("get", "list", "watch", "create", "patch")),
    # Deleted when `spec.host` is taken away.
    Rule(("networking.k8s.io",), ("ingresses",), ("get", "list", "watch", "create", "patch", "delete")),
)
