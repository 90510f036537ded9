"""Conditions under which a row of the table counts: on the change itself, or on what else the object says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from delivery.changes import ABSENT, is_list, is_map

if TYPE_CHECKING:
    from collections.abc import Iterable

    from delivery.changes import Change
    from delivery.consequences.model import Condition
    from delivery.preview import Step

# Kubernetes' resource.Quantity, the suffixes that are used for sizes.
_SUFFIXES: Final = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}

_RULES: Final = ("ingress", "egress")
# Lists that say all by being empty.
_PEERS_AND_PORTS: Final = ("from", "to", "ports")


def added(_: Step, change: Change) -> bool:
    """Tell whether the field wasn't there."""
    return change.old is ABSENT


def allows_more(step: Step, change: Change) -> bool:
    """Tell whether a NetworkPolicy has one more rule, or a rule one more peer or port beside others.

    The first peer or port of a rule excludes all others, and one more condition on a peer excludes some.
    """
    value, name = step.old, ""
    for part in change.path:
        if is_list(value):
            if (number := int(part.strip("[]"))) >= len(value):
                return name in _RULES or (name in _PEERS_AND_PORTS and bool(value))
            value = value[number]
        elif part in value:
            value, name = value[part], part
        else:
            return part in _RULES
    return False


def removed(_: Step, change: Change) -> bool:
    """Tell whether the field is no longer there."""
    return change.new is ABSENT


def switched_on(_: Step, change: Change) -> bool:
    """Tell whether the field is true now."""
    return change.new is True


def is_now(*values: Any) -> Condition:  # noqa: ANN401 - any JSON value
    """Make the condition that the new value is one of ``values``."""
    return lambda _, change: change.new in values


def to_zero(_: Step, change: Change) -> bool:
    """Tell whether a number went down to zero."""
    return _number(change.new) == 0


def fewer(_: Step, change: Change) -> bool:
    """Tell whether a number or quantity went down; absent counts as one, the API's default for replicas."""
    return _number(change.new) < _number(change.old)


def more(_: Step, change: Change) -> bool:
    """Tell whether a number or quantity didn't go down; absent counts as one, the API's default for replicas."""
    return _number(change.new) >= _number(change.old)


def added_or_removed(step: Step, change: Change) -> bool:
    """Tell whether the field wasn't there, or is no longer there."""
    return added(step, change) or removed(step, change)


def last_is(name: str) -> Condition:
    """Make the condition that the field is called ``name``."""
    return lambda _, change: change.path[-1] == name


def comes_with(field: str) -> Condition:
    """Make the condition that the same update adds ``spec.<field>``, which wasn't there."""
    return lambda step, _: _at(step.old, f"spec.{field}") is ABSENT


def property_removed(step: Step, change: Change) -> bool:
    """Tell whether the schema no longer names a property, as opposed to a rule about one: its type is gone."""
    telling = ("type", "x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields")
    return removed(step, change) and change.path[-1] in telling


def in_new_namespace(step: Step, _: Change) -> bool:
    """Tell whether the same update creates the object's namespace."""
    return step.in_new_namespace


def at_once(step: Step, _: Change) -> bool:
    """Tell whether the Deployment may end all old pods before new ones are ready."""
    if _at(step.new, "spec.strategy.type") == "Recreate":
        return True
    unavailable = _at(step.new, "spec.strategy.rollingUpdate.maxUnavailable")
    if unavailable is ABSENT:
        # The API's default of 25 % is rounded down, to none of three.
        return False
    return unavailable == "100%" or _number(unavailable) >= _number(_at(step.old, "spec.replicas"))


def alone(step: Step, _: Change) -> bool:
    """Tell whether the workload has one pod, which nothing stands in for."""
    return _number(_at(step.old, "spec.replicas")) == 1


def on_delete(step: Step, _: Change) -> bool:
    """Tell whether the workload's pods change only when somebody deletes them."""
    return _at(step.new, "spec.updateStrategy.type") == "OnDelete"


def without_pods(step: Step, _: Change) -> bool:
    """Tell whether the workload has no pods."""
    return _number(_at(step.old, "spec.replicas")) == 0


def claims_go_with_it(step: Step, _: Change) -> bool:
    """Tell whether deleting the StatefulSet deletes its volume claims."""
    return _at(step.old, "spec.persistentVolumeClaimRetentionPolicy.whenDeleted") == "Delete"


def claims_go_with_pods(step: Step, change: Change) -> bool:
    """Tell whether scaling the StatefulSet down deletes the claims of the pods that go."""
    kept = _at(step.new, "spec.persistentVolumeClaimRetentionPolicy.whenScaled") != "Delete"
    return fewer(step, change) and not kept


def names(position: int, allowed: Iterable[str]) -> Condition:
    """Make the condition that the step of the path at ``position`` is one of ``allowed``."""
    known = frozenset(allowed)
    return lambda _, change: len(change.path) > position and change.path[position].strip("[]") in known


def every(*conditions: Condition) -> Condition:
    """Make the condition that all of these hold."""
    return lambda step, change: all(holds(step, change) for holds in conditions)


def _at(inputs: Any, path: str) -> Any:  # noqa: ANN401 - any JSON value
    for part in path.split("."):
        inputs = inputs.get(part, ABSENT) if is_map(inputs) else ABSENT
    return inputs


def _number(value: Any) -> float:  # noqa: ANN401 - any JSON value
    """Return a number or quantity as a number; NaN, which is neither less nor more than anything, for others."""
    if value is ABSENT:
        return 1
    if is_map(value) or is_list(value) or isinstance(value, bool):
        return math.nan
    text = str(value)
    suffix = next((each for each in _SUFFIXES if text.endswith(each)), "")
    try:
        return float(text.removesuffix(suffix)) * _SUFFIXES.get(suffix, 1)
    except ValueError:
        return math.nan
