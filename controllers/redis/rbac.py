"""What the controller may do in the namespace of Redis."""

from controllers.redis.names import state_name
from controllers.runtime.rules import Rule


def rules(stateful_set: str) -> tuple[Rule, ...]:
    """Return the rights that it needs for one StatefulSet."""
    return (
        Rule(("apps",), ("statefulsets",), ("list", "watch")),
        # Kubernetes can't narrow this down to labels: whoever may patch a pod may also change its images.
        Rule(("",), ("pods",), ("list", "watch", "patch")),
        # An eviction heeds the PodDisruptionBudget, a deletion doesn't.
        Rule(("",), ("pods/eviction",), ("create",)),
        Rule(("",), ("configmaps",), ("get", "patch"), (state_name(stateful_set),)),
    )
