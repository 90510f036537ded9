"""What an update really did: which pods stopped, which objects and volumes are others than before."""

import json
import subprocess
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delivery.consequences import Consequence
from tests.integration.stack.checkout import Checkout

# Whose deletion takes data along, whatever made it.
HOLDS_DATA = {"PersistentVolumeClaim", "PersistentVolume", "Namespace", "CustomResourceDefinition", "postgresql"}
_OURS = {("app.kubernetes.io/part-of", "platform")}
_ALL = (
    "namespaces,configmaps,secrets,services,serviceaccounts,deployments,statefulsets,poddisruptionbudgets,roles,"
    "rolebindings,clusterroles,networkpolicies,ingresses,storageclasses,crds,installations,"
    "persistentvolumeclaims,persistentvolumes,pods"
)
# Of CRDs that a component or its chart brings along: gone with it.
_OPTIONAL = ("websites", "memcacheds", "samples", "postgresqls")
_WAIT_SECONDS = 30


@dataclass(frozen=True)
class Snapshot:
    """The cluster, or one area of it, at one moment."""

    objects: Mapping[tuple[str, str, str], str]
    """Kind, namespace and name of each declared object and each volume -> its UID."""
    pods: Mapping[str, str]
    """UID of each ready pod -> its workload."""
    addresses: frozenset[str]
    """Where something is reached, below a namespace: ports of Services, ports of the nodes, hosts of Ingresses."""
    generated: Mapping[str, str]
    """Values that only the state holds -> when they were made."""
    areas: Mapping[str, str]
    """Namespace, or name of an object that is in none -> the component that it belongs to."""

    @classmethod
    def of(cls, checkout: Checkout) -> "Snapshot":
        items = _items(checkout, _ALL)
        own = [item for kind in _OPTIONAL for item in _items(checkout, kind, check=False)]
        # Pods bear the labels of what declares them.
        declared = [
            item for item in items if item["metadata"].get("labels", {}).items() >= _OURS and item["kind"] != "Pod"
        ]
        volumes = [item for item in items if item["kind"] in {"PersistentVolumeClaim", "PersistentVolume"}]
        return cls(
            objects={_key(item): item["metadata"]["uid"] for item in [*declared, *own, *volumes]},
            pods={pod["metadata"]["uid"]: workload(pod) for pod in items if pod["kind"] == "Pod" and is_ready(pod)},
            addresses=frozenset(address for item in items for address in _addresses(item)),
            generated=_generated(checkout),
            areas={
                item["metadata"]["name"]: item["metadata"]["labels"]["app.kubernetes.io/instance"]
                for item in declared
                if "namespace" not in item["metadata"]
            },
        )

    def within(self, area: str, areas: Mapping[str, str]) -> "Snapshot":
        """Return what belongs to one component, or all where ``area`` is empty.

        ``areas`` are those of before and after, since a component may be gone then.
        """
        if not area:
            return self

        def is_in(place: str) -> bool:
            return areas.get(place) == area

        return Snapshot(
            objects={key: uid for key, uid in self.objects.items() if is_in(key[1] or key[2])},
            pods={uid: name for uid, name in self.pods.items() if is_in(name.split("/")[0])},
            addresses=frozenset(address for address in self.addresses if is_in(address.split("/")[0])),
            generated={urn: made for urn, made in self.generated.items() if f"platform:{area}:" in urn},
            areas=areas,
        )


@dataclass(frozen=True)
class Observation:
    """What was seen, and what it comes to."""

    consequence: Consequence
    seen: tuple[str, ...]


class PodWatch:
    """Every change of every pod, in order, as the API server tells it."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def least_ready(self, before: Mapping[str, str]) -> dict[str, int]:
        """Return the least number of ready pods that each workload of ``before`` had since."""
        ready: dict[str, str] = {}
        least: dict[str, int] = {}
        started = False
        for event in self._events():
            pod = event["object"]
            ready.pop(pod["metadata"]["uid"], None)
            if event["type"] != "DELETED" and is_ready(pod):
                ready[pod["metadata"]["uid"]] = workload(pod)
            # The watch begins with every pod that is there.
            started = started or before.keys() <= ready.keys()
            if started:
                for name in set(before.values()):
                    count = sum(each == name for each in ready.values())
                    least[name] = min(count, least.get(name, count))
        assert started, "the watch never saw all pods"
        return least

    def _events(self) -> Iterator[dict[str, Any]]:
        text, decoder, position = self._file.read_text().strip(), json.JSONDecoder(), 0
        while position < len(text):
            try:
                event, position = decoder.raw_decode(text, position)
            except json.JSONDecodeError:
                return  # cut off in the middle by the end of the watch
            yield event
            while position < len(text) and text[position].isspace():
                position += 1


@contextmanager
def watched_pods(checkout: Checkout, file: Path) -> Generator[PodWatch]:
    """Watch all pods while the block runs."""
    command = ["kubectl", "get", "pods", "--all-namespaces", "--watch", "--output-watch-events", "--output=json"]
    with file.open("w") as output:
        watch = subprocess.Popen(command, env=checkout.environment, stdout=output, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + _WAIT_SECONDS
            while not file.stat().st_size:
                assert time.monotonic() < deadline, "the watch shows no pods"
                time.sleep(0.1)
            yield PodWatch(file)
        finally:
            watch.terminate()
            watch.wait()


def observe(before: Snapshot, after: Snapshot, least_ready: Mapping[str, int]) -> Observation:
    """Return the worst that an update did."""
    found = [
        *_objects(before, after),
        *_pods(before, after, least_ready),
        *((Consequence.DOWNTIME, f"{gone} no longer answers") for gone in sorted(before.addresses - after.addresses)),
        *(
            (Consequence.REPLACEMENT, f"{name} was made anew")
            for name, made in before.generated.items()
            if after.generated.get(name, made) != made
        ),
    ]
    worst = max((each for each, _ in found), key=lambda each: each.severity, default=Consequence.NONE)
    return Observation(worst, tuple(text for each, text in found if each is worst))


def _objects(before: Snapshot, after: Snapshot) -> Iterator[tuple[Consequence, str]]:
    for key, uid in before.objects.items():
        name = "/".join(filter(None, key))
        if key not in after.objects:
            if key[0] in HOLDS_DATA:
                yield Consequence.DATA_LOSS, f"{name} is gone"
        elif after.objects[key] != uid:
            lost = key[0] in HOLDS_DATA
            yield (Consequence.DATA_LOSS if lost else Consequence.REPLACEMENT), f"{name} is another one"


def _pods(before: Snapshot, after: Snapshot, least_ready: Mapping[str, int]) -> Iterator[tuple[Consequence, str]]:
    for name in sorted(set(before.pods.values())):
        old = {uid for uid, owner in before.pods.items() if owner == name}
        if old <= after.pods.keys():
            continue
        if least_ready[name] == 0:
            yield Consequence.DOWNTIME, f"{name} had no ready pod"
        else:
            yield Consequence.ROLLING, f"pods of {name} stopped, {least_ready[name]} or more were ready"


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Tell whether a pod serves: it is ready, and nobody has begun to end it."""
    conditions = pod.get("status", {}).get("conditions", [])
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def workload(pod: Mapping[str, Any]) -> str:
    """Return namespace and name of the Deployment or StatefulSet that a pod belongs to."""
    (owner,) = pod["metadata"].get("ownerReferences") or [{"kind": "Pod", "name": pod["metadata"]["name"]}]
    name = owner["name"].rpartition("-")[0] if owner["kind"] == "ReplicaSet" else owner["name"]
    return f"{pod['metadata']['namespace']}/{name}"


def _items(checkout: Checkout, kinds: str, *options: str, check: bool = True) -> list[dict[str, Any]]:
    shown = checkout.kubectl("get", kinds, "--all-namespaces", "--output=json", *options, check=check)
    return json.loads(shown)["items"] if shown.strip() else []


def _key(item: Mapping[str, Any]) -> tuple[str, str, str]:
    return item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]


def _addresses(item: Mapping[str, Any]) -> Iterator[str]:
    if item["kind"] not in {"Service", "Ingress"}:
        return
    name = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
    for port in item["spec"].get("ports", []):
        yield f"{name}:{port['port']}"
        if "nodePort" in port:
            yield f"{name} on every node"
    for rule in item["spec"].get("rules", []):
        yield f"{name} as {rule.get('host', '')}"


def _generated(checkout: Checkout) -> dict[str, str]:
    state = json.loads(checkout.pulumi("stack", "export").stdout)["deployment"]
    return {each["urn"]: each["created"] for each in state.get("resources", []) if each["type"].startswith("random:")}
