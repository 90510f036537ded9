"""What comes back by itself, after how many seconds, and that the program sees no change afterwards."""

import os
import signal
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.cluster.real import nodes
from tests.e2e.conftest import Platform

Seconds = Callable[[str, float], None]
NAMESPACE, SELECTOR, POD = "redis", "app=redis-sfs", "redis-sfs-1"
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


def all_ready(platform: Platform) -> bool:
    return platform.ready(NAMESPACE, SELECTOR, len(_ordinals(platform)))


def _ordinals(platform: Platform) -> range:
    return range(platform.get("statefulset", "redis-sfs", NAMESPACE)["spec"]["replicas"])


def node_of(platform: Platform, namespace: str, pod: str) -> str:
    return platform.get("pod", pod, namespace)["spec"]["nodeName"]


def node_is_ready(platform: Platform, node: str) -> bool:
    conditions = platform.get("node", node)["status"]["conditions"]
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def kubelet_started(platform: Platform, node: str) -> str | None:
    """Return since when the node's kubelet runs, by its own metrics; None while it doesn't answer."""
    answer = platform.kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/metrics", check=False)
    lines = (line for line in answer.splitlines() if line.startswith("process_start_time_seconds "))
    return next(lines, None)


def container_ids(platform: Platform, node: str) -> set[str]:
    pods = [pod for pod in platform.pods(NAMESPACE, SELECTOR) if pod["spec"]["nodeName"] == node]
    return {status["containerID"] for pod in pods for status in pod["status"]["containerStatuses"]}


def redis_container(pod: dict[str, Any]) -> dict[str, Any]:
    """Return the status of the pod's Redis container."""
    return next(each for each in pod["status"]["containerStatuses"] if each["name"] == "redis")


@pytest.fixture
def whole(platform: Platform) -> Iterator[Platform]:
    """The stack with every Redis pod Ready, before and after."""
    platform.eventually(lambda: all_ready(platform), "every Redis pod Ready before the fault", 90)
    yield platform
    platform.eventually(lambda: all_ready(platform), "every Redis pod Ready after the fault", 90)


@pytest.fixture
def victim(whole: Platform) -> Iterator[str]:
    """A node that holds a Redis pod and not the client; healed afterwards whatever happened."""
    client = node_of(whole, "client", "client")
    homes = [node_of(whole, NAMESPACE, f"redis-sfs-{ordinal}") for ordinal in _ordinals(whole)]
    node = next(home for home in homes if home != client)
    yield node
    nodes.heal(whole.cluster, node)
    whole.kubectl("taint", "node", node, f"{OUT_OF_SERVICE}-", check=False)
    whole.eventually(lambda: node_is_ready(whole, node), f"{node} Ready again", 60)


def test_a_killed_server_is_started_again_in_its_pod(whole: Platform, seconds: Seconds) -> None:
    before = whole.get("pod", POD, NAMESPACE)
    server = redis_container(before)
    for pid in nodes.pids_of(whole.cluster, NAMESPACE, POD, "redis"):
        os.kill(pid, signal.SIGKILL)

    def restarted() -> bool:
        now = redis_container(whole.get("pod", POD, NAMESPACE))
        return now["restartCount"] > server["restartCount"] and now["ready"]

    seconds("from a killed redis-server to a Ready pod", whole.seconds_until(restarted, "a Ready container"))
    assert whole.get("pod", POD, NAMESPACE)["metadata"]["uid"] == before["metadata"]["uid"]
    whole.shows_no_change()


def test_a_deleted_pod_comes_back_under_its_name(whole: Platform, seconds: Seconds) -> None:
    before = whole.get("pod", POD, NAMESPACE)["metadata"]["uid"]
    whole.kubectl("delete", "pod", POD, "-n", NAMESPACE, "--wait=false")

    def back() -> bool:
        return all_ready(whole) and whole.get("pod", POD, NAMESPACE)["metadata"]["uid"] != before

    seconds("from a deleted pod to its successor Ready", whole.seconds_until(back, "a Ready successor", 90))
    whole.shows_no_change()


def test_a_crashed_kubelet_comes_back_and_its_containers_run_on(whole: Platform, victim: str, seconds: Seconds) -> None:
    before = container_ids(whole, victim)
    started = kubelet_started(whole, victim)
    nodes.kill_kubelet(whole.cluster, victim)
    took = whole.seconds_until(lambda: kubelet_started(whole, victim) not in (None, started), "another kubelet")
    seconds("from a killed kubelet to one that answers again", took)
    whole.eventually(lambda: node_is_ready(whole, victim), f"{victim} Ready", 60)
    assert container_ids(whole, victim) == before
    whole.shows_no_change()


def test_the_pods_of_a_lost_node_move_with_their_data_once_it_is_declared_out_of_service(
    whole: Platform, victim: str, seconds: Seconds
) -> None:
    (pod,) = (each for each in whole.pods(NAMESPACE, SELECTOR) if each["spec"]["nodeName"] == victim)
    name, mark = pod["metadata"]["name"], str(uuid.uuid4())
    assert whole.exec(NAMESPACE, name, "sh", "-c", 'echo "$1" > /data/mark', "sh", mark).returncode == 0

    nodes.cut(whole.cluster, victim)
    took = whole.seconds_until(lambda: not node_is_ready(whole, victim), f"{victim} NotReady", 60)
    seconds("from a cut link to the node's NotReady", took)
    # The StatefulSet waits: nobody but a person can know that the pod's process is gone for good.
    assert whole.get("pod", name, NAMESPACE)["metadata"]["uid"] == pod["metadata"]["uid"]

    whole.kubectl("taint", "node", victim, f"{OUT_OF_SERVICE}=nodeshutdown:NoExecute")
    took = whole.seconds_until(lambda: all_ready(whole), "every Redis pod Ready on the nodes that are left", 90)
    seconds("from the out-of-service taint to every Redis pod Ready", took)
    assert node_of(whole, NAMESPACE, name) != victim
    assert whole.exec(NAMESPACE, name, "cat", "/data/mark").stdout.strip() == mark
    whole.shows_no_change()
