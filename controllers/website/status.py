"""A Website's status, as pure functions of what the cluster shows."""

from datetime import datetime
from typing import Any

from lightkube.models.apps_v1 import DeploymentCondition, DeploymentStatus
from lightkube.resources.apps_v1 import Deployment

from controllers.runtime.conditions import Condition, merge_conditions
from controllers.website.model import Website
from controllers.website.names import selector, website_url

Status = dict[str, Any]
Conditions = dict[str, DeploymentCondition]


def status_of(website: Website, deployment: Deployment, domain: str, now: datetime) -> Status:
    """Return the status of a Website whose objects are all in place."""
    observed = deployment.status or DeploymentStatus()
    conditions: Conditions = {c.type or "": c for c in observed.conditions or []}
    # Until the Deployment controller has seen the newest spec, its numbers speak of the one before.
    current = observed.observedGeneration == (deployment.metadata and deployment.metadata.generation)
    return {
        "url": website_url(website.name, website.namespace, website.host, domain),
        "observedGeneration": website.generation,
        "replicas": observed.replicas or 0,
        "selector": ",".join(f"{key}={value}" for key, value in sorted(selector(website.name).items())),
        "conditions": merge_conditions(
            website.status.get("conditions", []),
            [
                _ready(website, observed, conditions),
                _progressing(website, observed, conditions, current=current),
            ],
            website.generation,
            now,
        ),
    }


def failed_status(website: Website, reason: str, message: str, now: datetime) -> Status:
    """Return the status of a Website whose objects couldn't be put in place; what was known of them stays."""
    conditions = [Condition(type_, "False", reason, message) for type_ in ("Ready", "Progressing")]
    return {
        **website.status,
        "observedGeneration": website.generation,
        "conditions": merge_conditions(website.status.get("conditions", []), conditions, website.generation, now),
    }


def _ready(website: Website, observed: DeploymentStatus, conditions: Conditions) -> Condition:
    available = conditions.get("Available")
    if website.replicas == 0:
        return Condition("Ready", "False", "ScaledToZero", "spec.replicas is 0: no pod serves the Website")
    if available and available.status == "True":
        return Condition("Ready", "True", "Available", "pods serve the Website")
    # Says why pods can't even be made, for instance a quota's refusal.
    failure = conditions.get("ReplicaFailure")
    if failure and failure.status == "True":
        return Condition("Ready", "False", failure.reason or "ReplicaFailure", failure.message or "")
    ready = f"{observed.availableReplicas or 0} of {website.replicas} pods are available"
    return Condition("Ready", "False", "PodsNotAvailable", ready)


def _progressing(website: Website, observed: DeploymentStatus, conditions: Conditions, *, current: bool) -> Condition:
    progressing = conditions.get("Progressing")
    if current and progressing and progressing.status == "False":
        return Condition(
            "Progressing",
            "False",
            progressing.reason or "Stuck",
            progressing.message or "the rollout is stuck",
        )
    if current and _rolled_out(website.replicas, observed):
        return Condition("Progressing", "False", "RolledOut", "all pods run the newest version")
    return Condition("Progressing", "True", "RollingOut", "pods of the newest version are being started")


def _rolled_out(wanted: int, observed: DeploymentStatus) -> bool:
    counts = (observed.replicas, observed.updatedReplicas, observed.availableReplicas)
    return all((count or 0) == wanted for count in counts)
