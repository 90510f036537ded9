"""Readiness of pods and of what runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.provider.kubernetes.readiness.status import HopelessError, condition, explain, unobserved

if TYPE_CHECKING:
    from sandbox.provider.kubernetes.api import Api
    from sandbox.provider.values import Properties

_UNOBSERVED = "waiting for its controller to see the change"


def deployment(live: Properties, _: Api) -> str | None:
    """Wait until: every replica is of the newest template and available; a rollout past its deadline has failed."""
    if unobserved(live):
        return _UNOBSERVED
    if live["spec"].get("paused"):
        return None
    progressing = condition(live, "Progressing")
    if progressing.get("status") == "False":
        raise HopelessError(explain(progressing))
    status = live.get("status", {})
    counts = (status.get("replicas", 0), status.get("updatedReplicas", 0), status.get("availableReplicas", 0))
    return _counted(counts, live["spec"].get("replicas", 1))


def stateful_set(live: Properties, _: Api) -> str | None:
    """Wait until: every replica is ready, and of the newest template unless updates are the user's business."""
    if unobserved(live):
        return _UNOBSERVED
    status, spec = live.get("status", {}), live["spec"]
    wanted = spec.get("replicas", 1)
    strategy = spec.get("updateStrategy", {})
    kept_back = strategy.get("rollingUpdate", {}).get("partition", 0)
    counts = [status.get("replicas", 0), status.get("readyReplicas", 0)]
    if strategy.get("type") != "OnDelete" and not kept_back:
        same = status.get("currentRevision") == status.get("updateRevision")
        counts.append(wanted if same else status.get("updatedReplicas", 0))
    return _counted(tuple(counts), wanted)


def daemon_set(live: Properties, _: Api) -> str | None:
    """Wait until: every node has its available pod, of the newest template unless updated by hand."""
    if unobserved(live):
        return _UNOBSERVED
    status = live.get("status", {})
    wanted = status.get("desiredNumberScheduled", 0)
    counts = [status.get("numberAvailable", 0)]
    if live["spec"].get("updateStrategy", {}).get("type") != "OnDelete":
        counts.append(status.get("updatedNumberScheduled", 0))
    return _counted(tuple(counts), wanted)


def pod(live: Properties, _: Api) -> str | None:
    """Wait until: the pod is ready or has done its work."""
    phase = live.get("status", {}).get("phase")
    if phase == "Failed":
        raise HopelessError(f"pod failed: {explain(live['status'])}")
    if phase == "Succeeded" or condition(live, "Ready").get("status") == "True":
        return None
    lacking = explain(condition(live, "PodScheduled")) or explain(condition(live, "Ready"))
    return f"waiting for the pod to be ready, it is {phase} {lacking}".rstrip()


def _counted(counts: tuple[int, ...], wanted: int) -> str | None:
    """Too many replicas are as unfinished as too few: the old ones still go."""
    if all(count == wanted for count in counts):
        return None
    return f"waiting for {wanted} replicas to be up to date and available, now {min(counts)} are"
