"""What keeps the pods of a Website from serving, as the kubelet says in their status."""

from collections.abc import Iterable
from dataclasses import dataclass

from lightkube.models.core_v1 import ContainerStatus, PodStatus
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Pod

# What a container waits for when nothing is wrong.
_PATIENCE = ("ContainerCreating", "PodInitializing", "")
# Characters of a log's end; the last lines say what went wrong.
_LONGEST = 1000


@dataclass(frozen=True)
class Trouble:
    """Why a container doesn't run; ``message`` is what its runtime or its last words say."""

    container: str
    reason: str
    message: str


def kept(pod: Pod) -> Pod:
    """Return what `trouble_of` needs of a pod, so that ten thousand of them fit into the cache."""
    metadata = pod.metadata or ObjectMeta()
    status = pod.status or PodStatus()
    return Pod(
        metadata=ObjectMeta(name=metadata.name, namespace=metadata.namespace, labels=metadata.labels),
        status=PodStatus(
            initContainerStatuses=_troubled(status.initContainerStatuses),
            containerStatuses=_troubled(status.containerStatuses),
        ),
    )


def trouble_of(pods: Iterable[Pod]) -> Trouble | None:
    """Return what is wrong with the first pod that has something wrong."""
    for pod in pods:
        status = pod.status or PodStatus()
        for container in [*(status.initContainerStatuses or []), *(status.containerStatuses or [])]:
            if found := _trouble(container):
                return found
    return None


def _troubled(statuses: list[ContainerStatus] | None) -> list[ContainerStatus] | None:
    # The image's digest and its like change nothing.
    found = [
        ContainerStatus(
            name=status.name,
            image="",
            imageID="",
            ready=False,
            restartCount=0,
            state=status.state,
            lastState=status.lastState,
        )
        for status in statuses or []
        if _trouble(status)
    ]
    return found or None


def _trouble(status: ContainerStatus) -> Trouble | None:
    waiting = status.state.waiting if status.state else None
    if status.ready:
        return None
    ended = (status.state and status.state.terminated) or (status.lastState and status.lastState.terminated)
    if ended and ended.exitCode != 0:
        last_words = (ended.message or ended.reason or "").strip()[-_LONGEST:]
        return Trouble(status.name, ended.reason or "Error", last_words or f"ended with code {ended.exitCode}")
    if waiting and (waiting.reason or "") not in _PATIENCE:
        return Trouble(status.name, waiting.reason or "", (waiting.message or "").strip()[-_LONGEST:])
    return None
