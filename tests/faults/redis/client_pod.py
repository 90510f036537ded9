"""Applications as pods: they write numbered values under load, and tell which ones were acknowledged."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from sandbox import images
from tests.faults.redis import writer
from tests.faults.redis.writer import Settings
from tests.integration.sandbox.kubectl import Kubectl, eventually

NAMESPACE = "redis"
SERVICE = "redis-primary.redis.svc.cluster.local"
# A pod that is made anew, and everything on a busy machine.
LONG_SECONDS = 150
# Writes after which a client has started, and keys that one command asks for.
_STARTED, _KEYS_AT_ONCE = 500, 2000


def primaries(kubectl: Kubectl) -> list[str]:
    """Return the pods that bear the primary's label."""
    pods = kubectl.items("pods", "-n", NAMESPACE, "-l", "platform/redis-role=primary")
    return [pod["metadata"]["name"] for pod in pods]


def uids(kubectl: Kubectl) -> set[str]:
    """Return the identities of all pods: one that was made anew has another."""
    return {pod["metadata"]["uid"] for pod in kubectl.items("pods", "-n", NAMESPACE, "-l", "app=redis-sfs")}


def cli(kubectl: Kubectl, pod: str, *command: str, user: str = "app", check: bool = True) -> str:
    """Return what the server in a pod answers to a user, by default that of the applications."""
    script = 'REDISCLI_AUTH=$(cat "/etc/redis-secret/$0"); export REDISCLI_AUTH; exec redis-cli --user "$0" "$@"'
    whole = ["exec", pod, "-n", NAMESPACE, "-c", "redis", "--request-timeout=5s", "--", "sh", "-c", script, user]
    return (kubectl(*whole, *command) if check else kubectl.run(*whole, *command).stdout).strip()


def told(kubectl: Kubectl, ordinal: int, *fields: str) -> list[int]:
    """Return what the Sentinel of a pod says of the primary."""
    answer = cli(kubectl, f"redis-sfs-{ordinal}", "-p", "26379", "sentinel", "master", "mymaster", check=False)
    lines = answer.splitlines()
    return [int(lines[lines.index(field) + 1]) for field in fields if field in lines]


def elections(kubectl: Kubectl) -> int:
    """Return how often the role has moved: the highest configuration epoch that a Sentinel knows."""
    epochs: dict[int, list[int]] = {}

    def all_answer() -> bool:
        epochs.update({ordinal: told(kubectl, ordinal, "config-epoch") for ordinal in range(3)})
        return all(epochs.values())

    eventually(all_answer, "every Sentinel says its epoch", LONG_SECONDS)
    return max(max(answer) for answer in epochs.values())


def all_know(kubectl: Kubectl, count: int) -> bool:
    """Tell whether every Sentinel has the quorum of so many members, and knows all others and nobody else."""
    fields = ("quorum", "num-slaves", "num-other-sentinels")
    wanted = [count // 2 + 1, count - 1, count - 1]
    return all(told(kubectl, ordinal, *fields) == wanted for ordinal in range(count))


class Client:
    """A pod that writes as the harness's writer does, in the image that has redis-py, on another node than the primary.

    It asks Sentinel, or keeps to `server`, which may be a Service's name.
    """

    def __init__(self, kubectl: Kubectl, name: str, *, server: str | None = None, wait: int = 0) -> None:
        self._kubectl, self._name = kubectl, name
        hosts = [f"redis-sfs-{ordinal}.redis-sfs.redis.svc.cluster.local" for ordinal in range(3)]
        settings = Settings(name, hosts, "/secret/password", "/dev/stdout", wait, server)
        kubectl.apply(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": name, "namespace": NAMESPACE},
                "data": {"writer.py": Path(writer.__file__).read_text()},
            },
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"platform/redis-client": "true"}},
                "spec": _pod(name, settings),
            },
        )
        eventually(lambda: len(self.notes()) > _STARTED, f"{name} writes", LONG_SECONDS)

    def notes(self) -> list[tuple[int, float]]:
        """Return number and moment of each write that was acknowledged."""
        lines = self._kubectl.run("logs", self._name, "-n", NAMESPACE).stdout.splitlines()
        return [(int(line.split()[0]), float(line.split()[1])) for line in lines if line.count(" ") == 2]

    def writes_since(self, moment: float) -> bool:
        notes = self.notes()
        return bool(notes) and notes[-1][1] > moment

    def outage(self) -> float:
        """Return the longest time, in seconds, without an acknowledged write."""
        moments = [moment for _, moment in self.notes()]
        return max(later - earlier for earlier, later in pairwise(moments))

    def lost(self) -> int:
        """Return how many acknowledged writes the primary doesn't have."""
        (primary,) = primaries(self._kubectl)
        keys = [f"{self._name}:{number}" for number, _ in self.notes()]
        found = 0
        for start in range(0, len(keys), _KEYS_AT_ONCE):
            found += int(cli(self._kubectl, primary, "exists", *keys[start : start + _KEYS_AT_ONCE]))
        return len(keys) - found

    def stop(self) -> None:
        self._kubectl("delete", f"pod/{self._name}", f"configmap/{self._name}", "-n", NAMESPACE, "--grace-period=1")


def _pod(name: str, settings: Settings) -> dict[str, Any]:
    primary = {"labelSelector": {"matchLabels": {"platform/redis-role": "primary"}}}
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [{**primary, "topologyKey": "kubernetes.io/hostname"}]
            }
        },
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "writer",
                "image": images.reference("controllers"),
                "command": ["python3", "/program/writer.py", settings.text()],
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                "volumeMounts": [
                    {"name": "program", "mountPath": "/program"},
                    {"name": "secret", "mountPath": "/secret"},
                ],
            }
        ],
        "volumes": [
            {"name": "program", "configMap": {"name": name}},
            {"name": "secret", "secret": {"secretName": "redis-sfs"}},
        ],
    }


def all_ready(kubectl: Kubectl, count: int = 3) -> bool:
    """Tell whether so many pods are ready, all of the newest template and none on its way out."""
    stateful_set = json.loads(kubectl("get", "statefulset", "redis-sfs", "-n", NAMESPACE, "-o", "json"))
    status = stateful_set["status"]
    if status.get("observedGeneration") != stateful_set["metadata"]["generation"]:
        return False
    pods = kubectl.items("pods", "-n", NAMESPACE, "-l", "app=redis-sfs")
    return status.get("readyReplicas") == len(pods) == count and all(
        pod["metadata"]["labels"]["controller-revision-hash"] == status["updateRevision"]
        and "deletionTimestamp" not in pod["metadata"]
        for pod in pods
    )
