"""Which pod is restarted next when the StatefulSet's template has changed."""

from collections.abc import Sequence

from lightkube.resources.apps_v1 import StatefulSet
from lightkube.resources.core_v1 import Pod

from controllers.runtime.store import metadata_of

# Label by which the StatefulSet's own controller says which template a pod was made from.
REVISION_LABEL = "controller-revision-hash"


def next_restart(stateful_set: StatefulSet, pods: Sequence[Pod], primary: str, replicas: int) -> Pod | None:
    """Return the next pod to restart, ``None`` while there is none or it must wait.

    Replicas go first and the primary last, so the role moves once, to a pod that stays. One goes at a time, when all
    pods are ready and the primary has ``replicas`` that hold all its data. Pods that don't work are no reason to wait:
    the new template may be what mends them.
    """
    revision = stateful_set.status and stateful_set.status.updateRevision
    if not steady(stateful_set, pods):
        return None
    outdated = [pod for pod in pods if (metadata_of(pod).labels or {}).get(REVISION_LABEL) != revision]
    broken = [pod for pod in pods if not is_ready(pod) and metadata_of(pod).name != primary]
    if broken:
        return next((pod for pod in broken if pod in outdated), None)
    if replicas < len(pods) - 1:
        return None
    return min(outdated, key=lambda pod: (metadata_of(pod).name == primary, metadata_of(pod).name), default=None)


def steady(stateful_set: StatefulSet, pods: Sequence[Pod]) -> bool:
    """Tell whether all pods are there that the StatefulSet wants now, working or not, and none is on its way out."""
    status = stateful_set.status
    if not status or status.observedGeneration != metadata_of(stateful_set).generation:
        return False
    leaving = any(metadata_of(pod).deletionTimestamp for pod in pods)
    return len(pods) == stateful_set.spec.replicas and not leaving


def is_ready(pod: Pod) -> bool:
    """Tell whether a pod may take clients."""
    conditions = (pod.status and pod.status.conditions) or []
    return any(condition.type == "Ready" and condition.status == "True" for condition in conditions)
