"""Rights of controllers: each controller says what it needs, and the stack grants exactly that."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One rule of a Role."""

    api_groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()
    """Objects that it is limited to; none: all."""


# In the namespace of the Lease, for every controller of several replicas.
ELECTION_RULES = (Rule(("coordination.k8s.io",), ("leases",), ("get", "create", "update")),)
