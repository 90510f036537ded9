"""Real nodes run real pods: network, names, volumes, and what can befall them."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from sandbox import cluster as control_plane
from sandbox import images
from sandbox.cluster import Cluster, control
from sandbox.cluster.real import layout, namespaces, nodes
from sandbox.toolchain import Toolchain
from tests.integration.sandbox.kubectl import Kubectl, eventually, longhorn_class
from tests.processes import named, of

IMAGE = images.reference("toolbox")
# A node is lost after 12 s and pods start within 2 s; the rest is for a busy machine.
LONG_SECONDS = 60


@pytest.fixture(scope="module")
def cluster(
    real_toolchain: Toolchain, archives: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("real") / "cluster"
    try:
        yield control_plane.start(folder, real_toolchain, nodes="real", archives=archives)
    finally:
        control_plane.stop(folder, real_toolchain)


@pytest.fixture(scope="module", autouse=True)
def classes(kubectl: Kubectl) -> None:
    kubectl.apply(longhorn_class(), longhorn_class("kept", "Immediate", reclaimPolicy="Retain"))


def pod(name: str, namespace: str, script: str, node: str = "", volume: str = "") -> dict[str, Any]:
    """A pod that the strictest Pod Security Standard admits, so that it has no rights on its volume but its mode's."""
    container: dict[str, Any] = {
        "name": "main",
        "image": IMAGE,
        "command": ["sh", "-c", script],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec: dict[str, Any] = {
        "containers": [container],
        "terminationGracePeriodSeconds": 1,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    if node:
        spec["nodeSelector"] = {"kubernetes.io/hostname": node}
    if volume:
        container["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
        spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": volume}}]
    metadata = {"name": name, "namespace": namespace, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def claim(name: str, namespace: str, storage_class: str) -> dict[str, Any]:
    requests = {"requests": {"storage": "1Gi"}}
    spec = {"storageClassName": storage_class, "accessModes": ["ReadWriteOnce"], "resources": requests}
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def run(kubectl: Kubectl, *pods: dict[str, Any]) -> None:
    kubectl.apply(*pods)
    for each in pods:
        place = each["metadata"]
        kubectl("wait", "--for=condition=Ready", f"pod/{place['name']}", "-n", place["namespace"], "--timeout=60s")


def status_of(kubectl: Kubectl, namespace: str, name: str) -> dict[str, Any]:
    """The status of a pod's only container."""
    return json.loads(kubectl("get", "pod", name, "-n", namespace, "-o", "json"))["status"]["containerStatuses"][0]


def is_ready(kubectl: Kubectl, node: str) -> bool:
    path = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
    return kubectl("get", "node", node, "-o", path) == "True"


def kubelet_of(cluster: Cluster, node: str) -> int:
    """The id of the node's kubelet."""
    first = namespaces.first_process(cluster.folder / "nodes" / node)
    assert first is not None
    return named("kubelet", first.children())[0].pid


def test_three_nodes_are_ready_in_three_zones(kubectl: Kubectl):
    zones = {
        node["metadata"]["name"]: node["metadata"]["labels"]["topology.kubernetes.io/zone"]
        for node in kubectl.items("nodes")
    }
    assert zones == {"node-0": "zone-a", "node-1": "zone-b", "node-2": "zone-c"}
    assert all(is_ready(kubectl, name) for name in zones)


def test_a_service_is_reached_by_its_name_from_pods_on_every_node_and_from_the_machine(
    kubectl: Kubectl, cluster: Cluster, namespace: str
):
    server = pod(
        "server", namespace, "cd /tmp && echo hello > index.html && exec python3 -m http.server 8080", "node-0"
    )
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"selector": {"app": "server"}, "ports": [{"port": 80, "targetPort": 8080}]},
    }
    clients = [pod(f"client-{index}", namespace, "exec sleep infinity", f"node-{index}") for index in range(3)]
    run(kubectl, server, *clients)
    kubectl.apply(service)
    ask = ["curl", "-fsS", "--max-time", "5", "--retry", "10", "--retry-all-errors", "--retry-delay", "1"]
    for client in clients:
        name = client["metadata"]["name"]
        assert kubectl("exec", name, "-n", namespace, "--", *ask, f"http://web.{namespace}") == "hello\n"
    fetch = (
        f"import urllib.request as u; print(u.urlopen('http://web.{namespace}.svc.cluster.local', timeout=5).read())"
    )
    inside = nodes.run_inside(cluster, ["python3", "-c", fetch])
    assert inside.stdout == "b'hello\\n'\n", inside.stderr


def test_a_volume_follows_its_pod_to_another_node_and_grows_and_goes_with_its_claim(
    kubectl: Kubectl, cluster: Cluster, namespace: str
):
    kubectl.apply(claim("data", namespace, "longhorn"))
    write = "echo written on $(cat /proc/sys/kernel/hostname) >> /data/file; exec sleep infinity"
    run(kubectl, pod("first", namespace, write, "node-0", volume="data"))
    kubectl("delete", "pod", "first", "-n", namespace)
    run(kubectl, pod("second", namespace, write, "node-2", volume="data"))
    read = kubectl("exec", "second", "-n", namespace, "--", "cat", "/data/file")
    assert read == "written on first\nwritten on second\n"
    grown = {"spec": {"resources": {"requests": {"storage": "3Gi"}}}}
    kubectl("patch", "pvc", "data", "-n", namespace, "-p", json.dumps(grown))
    size = lambda: kubectl("get", "pvc", "data", "-n", namespace, "-o", "jsonpath={.status.capacity.storage}")  # noqa: E731
    eventually(lambda: size() == "3Gi", "grown")
    volume = kubectl("get", "pvc", "data", "-n", namespace, "-o", "jsonpath={.spec.volumeName}")
    assert kubectl("get", "pv", volume, "-o", "jsonpath={.spec.capacity.storage}") == "3Gi"
    assert (layout.volumes(cluster.folder) / volume / "file").exists()
    kubectl("delete", "pod/second", "pvc/data", "-n", namespace)
    eventually(lambda: not kubectl("get", "pv", volume, "--ignore-not-found"), "the volume is gone")
    assert not (layout.volumes(cluster.folder) / volume).exists()


def test_a_claim_is_bound_when_its_class_says_and_its_data_stays_where_the_class_says_so(
    kubectl: Kubectl, cluster: Cluster, namespace: str
):
    kubectl.apply(claim("late", namespace, "longhorn"), claim("kept", namespace, "kept"))
    field = lambda name, path: kubectl("get", "pvc", name, "-n", namespace, "-o", f"jsonpath={{{path}}}")  # noqa: E731
    eventually(lambda: field("kept", ".status.phase") == "Bound", "the claim that doesn't wait is bound")
    assert field("late", ".status.phase") == "Pending"
    volume = field("kept", ".spec.volumeName")
    kubectl("delete", "pvc", "kept", "-n", namespace)
    phase = lambda: kubectl("get", "pv", volume, "-o", "jsonpath={.status.phase}")  # noqa: E731
    eventually(lambda: phase() == "Released", "released")
    assert (layout.volumes(cluster.folder) / volume).exists()


def test_a_killed_process_of_a_pod_is_started_again(kubectl: Kubectl, cluster: Cluster, namespace: str):
    run(kubectl, pod("victim", namespace, "exec sleep infinity"))
    found = nodes.pids_of(cluster, namespace, "victim", "main")
    assert [process.name() for process in of(found)] == ["sleep"]
    psutil.Process(found[0]).send_signal(signal.SIGKILL)
    eventually(lambda: status_of(kubectl, namespace, "victim")["restartCount"] == 1, "restarted")
    assert status_of(kubectl, namespace, "victim")["lastState"]["terminated"]["exitCode"] == 128 + signal.SIGKILL


def test_a_killed_kubelet_comes_back_and_containers_live_on_meanwhile(
    kubectl: Kubectl, cluster: Cluster, namespace: str
):
    run(kubectl, pod("survivor", namespace, "exec sleep infinity", "node-1"))
    before = nodes.pids_of(cluster, namespace, "survivor", "main")
    killed = kubelet_of(cluster, "node-1")
    nodes.kill_kubelet(cluster, "node-1")
    eventually(lambda: not psutil.pid_exists(killed), "dead")
    first = namespaces.first_process(cluster.folder / "nodes" / "node-1")
    assert first is not None
    eventually(lambda: bool(named("kubelet", first.children())), "started again")
    answers = lambda: kubectl.run("exec", "survivor", "-n", namespace, "--", "true").returncode == 0  # noqa: E731
    eventually(answers, "the new kubelet serves")
    assert nodes.pids_of(cluster, namespace, "survivor", "main") == before


def test_a_node_that_is_cut_off_is_lost_and_found_again(kubectl: Kubectl, cluster: Cluster):
    nodes.cut(cluster, "node-2")
    try:
        eventually(lambda: not is_ready(kubectl, "node-2"), "lost", LONG_SECONDS)
    finally:
        nodes.heal(cluster, "node-2")
    eventually(lambda: is_ready(kubectl, "node-2"), "found again", LONG_SECONDS)


def test_a_node_that_loses_its_power_ends_its_pods_and_starts_them_again(
    kubectl: Kubectl, cluster: Cluster, namespace: str
):
    run(kubectl, pod("bound", namespace, "exec sleep infinity", "node-1"))
    before = nodes.pids_of(cluster, namespace, "bound", "main")
    nodes.power_off(cluster, "node-1")
    assert not any(psutil.pid_exists(pid) for pid in before)
    assert namespaces.first_process(cluster.folder / "nodes" / "node-1") is None
    eventually(lambda: not is_ready(kubectl, "node-1"), "lost", LONG_SECONDS)
    nodes.power_on(cluster, "node-1")
    eventually(lambda: is_ready(kubectl, "node-1"), "back", LONG_SECONDS)
    eventually(lambda: status_of(kubectl, namespace, "bound")["restartCount"] == 1, "its pod too", LONG_SECONDS)


def test_a_node_that_is_not_there_can_not_be_cut(cluster: Cluster):
    with pytest.raises(control_plane.SandboxError, match=r"'node-9'; this sandbox has node-0, node-1, node-2"):
        nodes.cut(cluster, "node-9")


def listeners(process: psutil.Process) -> set[str]:
    """The addresses that TCP sockets in the process's network namespace listen on, as the kernel writes them."""
    lines = [
        line.split()
        for file in ("tcp", "tcp6")
        for line in Path(f"/proc/{process.pid}/net/{file}").read_text().splitlines()[1:]
    ]
    return {words[1] for words in lines if words[3] == "0A"}


def test_nothing_listens_on_all_interfaces_and_the_machine_has_one_port_on_loopback(cluster: Cluster):
    holders = [layout.machine(cluster.folder), *(cluster.folder / "nodes").iterdir()]
    assert len(holders) == 4
    for folder in holders:
        first = namespaces.first_process(folder)
        assert first is not None
        found = {address.split(":")[0] for address in listeners(first)}
        assert len(found) >= 2, folder
        assert not found & {"0" * 8, "0" * 32}, folder
    server = yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    port = int(server.rpartition(":")[2])
    here = listeners(psutil.Process())
    assert f"0100007F:{port:04X}" in here
    assert not [address for address in here if address.endswith(f":{port:04X}") and not address.startswith("0100007F")]
    addresses = [address.address for each in psutil.net_if_addrs().values() for address in each]
    assert not [address for address in addresses if address.startswith(("10.88.", "10.89.", "10.96."))]


def test_an_api_server_that_was_killed_is_started_again_and_pods_live_on(
    kubectl: Kubectl, cluster: Cluster, real_toolchain: Toolchain, namespace: str
):
    run(kubectl, pod("steady", namespace, "exec sleep infinity"))
    before = status_of(kubectl, namespace, "steady")["containerID"]
    control.kill(cluster, "kube-apiserver")
    assert control_plane.find(cluster.folder) is None
    assert kubectl.run("get", "nodes", "--request-timeout=2s").returncode != 0
    control.start(cluster, real_toolchain, "kube-apiserver")
    assert control_plane.find(cluster.folder) == cluster
    assert status_of(kubectl, namespace, "steady")["containerID"] == before
