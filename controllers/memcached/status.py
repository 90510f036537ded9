"""A Memcached's status, as pure functions of what the cluster shows."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from lightkube.models.apps_v1 import DeploymentStatus
from lightkube.models.core_v1 import PodStatus
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

from controllers.memcached.model import Memcached
from controllers.memcached.names import selector
from controllers.runtime.conditions import Condition, merge_conditions
from controllers.runtime.rollout import rollout_conditions

Status = dict[str, Any]

# Phases of a pod that won't run any more.
ENDED = ("Succeeded", "Failed")


def status_of(memcached: Memcached, deployment: Deployment, pods: Iterable[Pod], now: datetime) -> Status:
    """Return the status of a Memcached whose objects are all in place."""
    observed = deployment.status or DeploymentStatus()
    conditions = rollout_conditions(deployment, memcached.size)
    return {
        "nodes": sorted(_name(pod) for pod in pods if _is_node(pod)),
        "observedGeneration": memcached.generation,
        "replicas": observed.replicas or 0,
        "selector": ",".join(f"{key}={value}" for key, value in sorted(selector(memcached.name).items())),
        "conditions": _merged(memcached, conditions, now),
    }


def failed_status(memcached: Memcached, reason: str, message: str, now: datetime) -> Status:
    """Return the status of a Memcached whose objects couldn't be put in place; what was known of them stays."""
    conditions = [Condition(type_, "False", reason, message) for type_ in ("Ready", "Progressing")]
    return {
        **memcached.status,
        "observedGeneration": memcached.generation,
        "conditions": _merged(memcached, conditions, now),
    }


def _merged(memcached: Memcached, conditions: list[Condition], now: datetime) -> list[dict[str, Any]]:
    return merge_conditions(memcached.status.get("conditions", []), conditions, memcached.generation, now)


def _is_node(pod: Pod) -> bool:
    """Tell whether a pod belongs to the Deployment of its labels and is neither going nor gone.

    A pod that somebody else made under the same labels has another owner than the Deployment's ReplicaSet.
    """
    metadata = pod.metadata or ObjectMeta()
    labels = cast("dict[str, str]", metadata.labels or {})
    replica_set = f"{labels.get('app.kubernetes.io/instance')}-{labels.get('pod-template-hash')}"
    owned = any(
        o.controller and (o.kind, o.name) == ("ReplicaSet", replica_set) for o in metadata.ownerReferences or []
    )
    phase = (pod.status or PodStatus()).phase
    return owned and metadata.deletionTimestamp is None and phase not in ENDED


def _name(pod: Pod) -> str:
    return (pod.metadata and pod.metadata.name) or ""
