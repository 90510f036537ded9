"""What the controller may do in each namespace that it watches."""

from controllers.runtime.rules import Rule

_WATCH = ("get", "list", "watch")

NAMESPACE_RULES = (
    # The cache is filled by `list` and `watch`.
    Rule(("extensions.example.com",), ("websites",), ("list", "watch")),
    Rule(("extensions.example.com",), ("websites/status",), ("patch",)),
    # `get` is for the look at who owns which field, or whose an object is, before it is changed.
    # The garbage collector deletes Deployments, Services and NetworkPolicies by their owner references.
    Rule(("apps",), ("deployments",), (*_WATCH, "create", "patch")),
    Rule(("",), ("services",), (*_WATCH, "create", "patch")),
    Rule(("networking.k8s.io",), ("networkpolicies",), (*_WATCH, "create", "patch")),
    # Deleted when `spec.host` or `spec.gateway` is taken away, or when one replica is left.
    Rule(("networking.k8s.io",), ("ingresses",), (*_WATCH, "create", "patch", "delete")),
    Rule(("gateway.networking.k8s.io",), ("httproutes",), (*_WATCH, "create", "patch", "delete")),
    Rule(("policy",), ("poddisruptionbudgets",), (*_WATCH, "create", "patch", "delete")),
    # Their status says why they don't start.
    Rule(("",), ("pods",), ("list", "watch")),
    Rule(("events.k8s.io",), ("events",), ("create", "patch")),
)
