"""Conditions of an object that is served by the pods of one Deployment."""

from lightkube.models.apps_v1 import DeploymentCondition, DeploymentStatus
from lightkube.resources.apps_v1 import Deployment

from controllers.runtime.conditions import Condition


def rollout_conditions(deployment: Deployment, replicas: int) -> list[Condition]:
    """Return ``Ready`` and ``Progressing`` as they follow from the Deployment, which is to have ``replicas``."""
    observed = deployment.status or DeploymentStatus()
    conditions = {c.type or "": c for c in observed.conditions or []}
    # Until the Deployment controller has seen the newest spec, its numbers speak of the one before.
    current = observed.observedGeneration == (deployment.metadata and deployment.metadata.generation)
    return [_ready(replicas, observed, conditions), _progressing(replicas, observed, conditions, current=current)]


def _ready(replicas: int, observed: DeploymentStatus, conditions: dict[str, DeploymentCondition]) -> Condition:
    available = observed.availableReplicas or 0
    if replicas == 0:
        return Condition("Ready", "False", "ScaledToZero", "no pod is asked for")
    if available >= replicas:
        return Condition("Ready", "True", "Available", "all pods are available")
    # Says why pods can't even be made, for instance a quota's refusal.
    failure = conditions.get("ReplicaFailure")
    if failure and failure.status == "True":
        return Condition("Ready", "False", failure.reason or "ReplicaFailure", failure.message or "")
    return Condition("Ready", "False", "PodsNotAvailable", f"{available} of {replicas} pods are available")


def _progressing(
    replicas: int, observed: DeploymentStatus, conditions: dict[str, DeploymentCondition], *, current: bool
) -> Condition:
    progressing = conditions.get("Progressing")
    if current and progressing and progressing.status == "False":
        reason, message = progressing.reason or "Stuck", progressing.message or "the rollout is stuck"
        return Condition("Progressing", "False", reason, message)
    counts = (observed.replicas, observed.updatedReplicas, observed.availableReplicas)
    if current and all((count or 0) == replicas for count in counts):
        return Condition("Progressing", "False", "RolledOut", "all pods run the newest version")
    return Condition("Progressing", "True", "RollingOut", "pods of the newest version are being started")
