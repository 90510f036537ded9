"""What has replicas keeps some of them: spread over nodes, with a budget for disruptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.objects import Object, Options, Properties, Rule, Violation, each

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SCALED = frozenset({"Deployment", "StatefulSet"})


def _has_replicas(declared: Object) -> bool:
    return declared.kind in _SCALED and declared.spec.get("replicas", 1) > 1


def _spread(declared: Object) -> Iterator[str]:
    if not _has_replicas(declared) or declared.template is None:
        return
    pod: Properties = declared.template["spec"]
    if not pod.get("topologySpreadConstraints") and not pod.get("affinity", {}).get("podAntiAffinity"):
        yield "its pods may all share a node: give them topologySpreadConstraints"


def _budgeted(objects: Sequence[Object], _: Options) -> Iterator[Violation]:
    budgets = [declared for declared in objects if declared.kind == "PodDisruptionBudget"]
    for declared in filter(_has_replicas, objects):
        if not any(_covers(budget, declared) for budget in budgets):
            message = "no PodDisruptionBudget selects its pods, so a drain may take all at once"
            yield Violation(declared.urn, declared.subject, message)


def _covers(budget: Object, declared: Object) -> bool:
    wanted: Properties = budget.spec["selector"].get("matchLabels", {})
    labels: Properties = (declared.template or {})["metadata"]["labels"]
    return budget.namespace == declared.namespace and all(labels.get(key) == value for key, value in wanted.items())


SPREAD = Rule("replica-spread", "Replicas are spread over nodes.", each(_spread))
DISRUPTION = Rule("replica-disruption", "Replicas have a disruption budget.", _budgeted, alone=False)
