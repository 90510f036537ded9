"""Rights of controllers: each controller says what it needs, and the stack grants exactly that."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """One rule of a Role."""

    api_groups: tuple[str, ...]
    resources: tuple[str, ...]
    verbs: tuple[str, ...]
