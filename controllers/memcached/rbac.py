"""What the controller may do in each namespace that it watches; it needs nothing cluster-wide."""

from controllers.runtime.rules import Rule

NAMESPACE_RULES = (
    Rule(("cache.example.com",), ("memcacheds",), ("list", "watch")),
    Rule(("cache.example.com",), ("memcacheds/status",), ("patch",)),
    # Their names are `status.nodes`.
    Rule(("",), ("pods",), ("list", "watch")),
    # `get` is for the look at who owns which field, or whose an object is, before it is changed.
    # The garbage collector deletes Deployments and Services by their owner references.
    Rule(("apps",), ("deployments",), ("get", "list", "watch", "create", "patch")),
    Rule(("",), ("services",), ("get", "list", "watch", "create", "patch")),
    # Deleted when no more than one node is left.
    Rule(("policy",), ("poddisruptionbudgets",), ("get", "list", "watch", "create", "patch", "delete")),
)
