"""A Website's status, as pure functions of what the cluster shows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from lightkube.resources.apps_v1 import Deployment

from controllers.runtime.conditions import Condition, merge_conditions
from controllers.runtime.rollout import rollout_conditions
from controllers.website.model import Website
from controllers.website.names import selector, website_url
from controllers.website.pod_trouble import Trouble

Status = dict[str, Any]

TYPES = ("Ready", "Progressing", "Synced")
SYNC_CONTAINERS = ("clone", "git-sync")


@dataclass(frozen=True)
class Seen:
    """What the cluster shows of a Website, beside its Deployment."""

    trouble: Trouble | None = None
    commit: str | None = None
    """What a pod reported last; ``None``: nothing new."""
    rival: Website | None = None
    """The older Website that has the same host."""


def status_of(website: Website, deployment: Deployment, seen: Seen, domain: str, now: datetime) -> Status:
    """Return the status of a Website whose objects are all in place."""
    host = None if seen.rival else website.host
    commit = seen.commit or website.status.get("commit")
    ready, progressing = rollout_conditions(deployment, website.replicas)
    conditions = [_ready(ready, seen, website), progressing, _synced(ready, seen, website, commit)]
    return {
        "url": website_url(website.name, website.namespace, host, domain),
        "observedGeneration": website.generation,
        **({"commit": commit} if commit else {}),
        "replicas": (deployment.status and deployment.status.replicas) or 0,
        "selector": ",".join(f"{key}={value}" for key, value in sorted(selector(website.name).items())),
        "conditions": merge_conditions(website.status.get("conditions", []), conditions, website.generation, now),
    }


def failed_status(website: Website, reason: str, message: str, now: datetime) -> Status:
    """Return the status of a Website whose objects couldn't be put in place; what was known of them stays."""
    conditions = [Condition(type_, "False", reason, message) for type_ in ("Ready", "Progressing")]
    conditions.append(Condition("Synced", "Unknown", reason, message))
    return {
        **website.status,
        "observedGeneration": website.generation,
        "conditions": merge_conditions(website.status.get("conditions", []), conditions, website.generation, now),
    }


def essence(status: Status) -> object:
    """Return what of a status is worth a write at once: not counts and messages, which change with every pod."""
    truths = {c["type"]: (c["status"], c["reason"], c["observedGeneration"]) for c in status.get("conditions", [])}
    ready = truths.get("Ready", ("",))[0] == "True"
    # Before the Website is ready, its commit can wait for the write that says so.
    return truths, status.get("url"), status.get("observedGeneration"), status.get("commit") if ready else None


@dataclass(frozen=True)
class News:
    """What people should hear of a status, beside seeing it."""

    type: Literal["Normal", "Warning"]
    reason: str
    note: str


# What happens in the course of things: pods come and go.
_USUAL = ("PodsNotAvailable", "ScaledToZero", "Available", "RolledOut", "RollingOut", "Synced")


def news(old: Status, new: Status) -> Iterator[News]:
    """Yield each problem that began with ``new``, and that the Website is ready again after one."""
    before = {c["type"]: c["reason"] for c in old.get("conditions", [])}
    conditions = {c["type"]: c for c in new["conditions"]}
    problems = {c["reason"]: c["message"] for c in conditions.values() if c["reason"] not in _USUAL}
    for reason, message in problems.items():
        if reason not in before.values():
            yield News("Warning", reason, message)
    if conditions["Ready"]["status"] == "True" and not problems and not {*before.values()} <= {*_USUAL}:
        yield News("Normal", "Recovered", "pods serve the Website again")


def _ready(ready: Condition, seen: Seen, website: Website) -> Condition:
    if seen.rival:
        taken = f"host {website.host} belongs to the older Website {seen.rival.namespace}/{seen.rival.name}"
        return Condition("Ready", "False", "HostConflict", taken)
    if ready.reason == "PodsNotAvailable" and seen.trouble:
        trouble = f"{seen.trouble.container}: {seen.trouble.reason}: {seen.trouble.message}"
        return replace(ready, message=f"{ready.message}; {trouble}")
    return ready


def _synced(ready: Condition, seen: Seen, website: Website, commit: str | None) -> Condition:
    if seen.trouble and seen.trouble.container in SYNC_CONTAINERS:
        secret = f" with Secret {website.credentials_secret}" if website.credentials_secret else ""
        message = f"can't fetch {website.ref} of {website.git_repo}{secret}: {seen.trouble.message}"
        return Condition("Synced", "False", "SyncFailed", message)
    if ready.status == "True":
        return Condition("Synced", "True", "Synced", f"pods serve commit {commit}" if commit else "pods have synced")
    return Condition("Synced", "Unknown", ready.reason, "no pod has synced yet")
