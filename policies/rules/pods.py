"""Pods: what they ask for, how their health shows, and the fields of the Pod Security Standard `restricted`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.objects import Object, Properties, Rule, each

if TYPE_CHECKING:
    from collections.abc import Iterator

# They end by themselves, so nobody waits for them to be ready and nothing needs to find out that they hang.
_SHORT_LIVED = frozenset({"Job", "CronJob"})
# Volume types of `restricted` (Pod Security Standards, Kubernetes 1.36).
_VOLUMES = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)
_HOST = ("hostNetwork", "hostPID", "hostIPC")


def _resources(declared: Object) -> Iterator[str]:
    for container in declared.containers():
        resources = container.get("resources", {})
        # A limit of CPU only throttles; one of memory keeps the node alive.
        for kind, names in {"requests": ("cpu", "memory"), "limits": ("memory",)}.items():
            for name in names:
                if name not in resources.get(kind, {}):
                    yield f"container '{container['name']}' has no resources.{kind}.{name}"


def _probes(declared: Object) -> Iterator[str]:
    if declared.kind in _SHORT_LIVED:
        return
    for container in declared.containers("containers"):
        for probe in ("readinessProbe", "livenessProbe"):
            if probe not in container:
                yield f"container '{container['name']}' has no {probe}"


def _restricted(declared: Object) -> Iterator[str]:
    if declared.template is None:
        return
    pod: Properties = declared.template["spec"]
    yield from _restricted_pod(pod)
    for container in declared.containers():
        for fault in _restricted_container(container, pod.get("securityContext", {})):
            yield f"container '{container['name']}' {fault}"


def _restricted_pod(pod: Properties) -> Iterator[str]:
    for key in _HOST:
        if pod.get(key):
            yield f"{key} is true; allowed is false"
    for volume in pod.get("volumes", ()):
        for source in volume:
            if source not in {"name", *_VOLUMES}:
                yield f"volume '{volume['name']}' is a {source}; allowed are {', '.join(sorted(_VOLUMES))}"


def _restricted_container(container: Properties, of_pod: Properties) -> Iterator[str]:
    own: Properties = container.get("securityContext", {})
    merged: Properties = {**of_pod, **own}
    if merged.get("runAsNonRoot") is not True or merged.get("runAsUser") == 0:
        yield "may run as root; allowed is runAsNonRoot: true and a runAsUser above 0"
    if merged.get("seccompProfile", {}).get("type") not in {"RuntimeDefault", "Localhost"}:
        yield "has no seccompProfile of type RuntimeDefault or Localhost"
    if own.get("privileged"):
        yield "is privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "lacks allowPrivilegeEscalation: false"
    capabilities: Properties = own.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", ()):
        yield "doesn't drop the capabilities ALL"
    if added := set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}:
        yield f"adds the capabilities {', '.join(sorted(added))}; allowed is NET_BIND_SERVICE"


RESOURCES = Rule("pod-resources", "Containers request CPU and memory and limit memory.", each(_resources))
PROBES = Rule("pod-probes", "Containers that stay have readiness and liveness probes.", each(_probes))
RESTRICTED = Rule("pod-restricted", "Pods pass the Pod Security Standard restricted.", each(_restricted))
