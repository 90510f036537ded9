"""Redis as the program declares it, in real pods on real nodes: the label, its Service, and what clients see."""

import json
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from controllers.redis.rbac import rules
from controllers.runtime.rules import ELECTION_RULES
from sandbox import images
from sandbox.cluster import Cluster, real
from sandbox.cluster.real import nodes
from sandbox.toolchain import Toolchain
from tests.faults.real_nodes import real_nodes
from tests.faults.redis.client_pod import (
    LONG_SECONDS,
    NAMESPACE,
    SERVICE,
    Client,
    all_know,
    all_ready,
    cli,
    primaries,
    uids,
)
from tests.faults.redis.pods import ROOT
from tests.integration.sandbox.kubectl import Kubectl, eventually, longhorn_class
from tests.processes import named, of
from tests.unit.declared import Declared, declare, stack_file

Note = Callable[[str, object], None]

RUNBOOK = ROOT / "docs/runbooks/redis-restore.md"


def declared(instances: int = 3) -> Declared:
    """Redis alone, with the sandbox's images."""
    sections = {
        **{name: {"enabled": False} for name in stack_file("dev") if name not in {"protect", "cluster", "preflight"}},
        "cluster": stack_file("dev")["cluster"],
        "protect": "false",
        "preflight": {},
        "redis": {
            "instances": instances,
            "image": images.reference("redis"),
            "exporter": {"image": images.reference("redis-exporter")},
            "controller": {"image": images.reference("controllers")},
            "volume": {"storageClass": "longhorn"},
            "backup": {},
        },
    }
    return declare(sections)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if lack := real.missing():
        pytest.skip(lack)
    with real_nodes(tmp_path_factory.mktemp("real") / "cluster") as (cluster, _):
        yield cluster


@pytest.fixture(scope="module")
def kubectl(cluster: Cluster, toolchain: Toolchain) -> Kubectl:
    """kubectl on a cluster in which Redis runs."""
    kubectl = Kubectl(cluster, toolchain)
    kubectl.apply(longhorn_class())
    roll_out(kubectl, declared())
    eventually(lambda: all_ready(kubectl), "all pods of Redis are ready", LONG_SECONDS)
    eventually(lambda: len(primaries(kubectl)) == 1, "the primary has its label", LONG_SECONDS)
    return kubectl


def roll_out(kubectl: Kubectl, declared: Declared) -> None:
    objects = [dict(resource.inputs) for resource in declared.objects()]
    for kinds in ({"Namespace", "PriorityClass"}, {each["kind"] for each in objects} - {"Namespace", "PriorityClass"}):
        kubectl.apply(*(each for each in objects if each["kind"] in kinds))


@pytest.fixture
def clients(kubectl: Kubectl) -> Iterator[dict[str, Client]]:
    """One that asks Sentinel and waits for a replica, and one that uses the label's Service."""
    eventually(lambda: all_ready(kubectl), "all pods of Redis are ready", LONG_SECONDS)
    made = {
        "Sentinel": Client(kubectl, "asks-sentinel", wait=1),
        "Service": Client(kubectl, "asks-service", server=SERVICE),
    }
    yield made
    for client in made.values():
        client.stop()


def moved(kubectl: Kubectl, old: str) -> bool:
    now = primaries(kubectl)
    return len(now) == 1 and now != [old] and cli(kubectl, now[0], "role", check=False).startswith("master")


def come_back(kubectl: Kubectl, clients: dict[str, Client], old: str, note: Note, what: str) -> None:
    """Wait until another pod leads, all clients write and all pods are ready; note how long each client could not."""
    eventually(lambda: moved(kubectl, old), "the label has moved", LONG_SECONDS)
    since = time.monotonic() + 1
    for client in clients.values():
        eventually(lambda client=client: client.writes_since(since), "it writes again", LONG_SECONDS)
    eventually(lambda: all_ready(kubectl), "the old primary is back", LONG_SECONDS)
    for way, client in clients.items():
        note("seconds", f"{client.outage():6.1f} s  without a write of a client that asks the {way}: {what}")


def test_the_controller_remembers_that_there_is_data(kubectl: Kubectl) -> None:
    state: Any = lambda: json.loads(kubectl("get", "configmap", "redis-sfs-state", "-n", NAMESPACE, "-o", "json"))  # noqa: E731
    eventually(lambda: state().get("data") == {"lived": "true"}, "the memory", LONG_SECONDS)


def test_metrics_tell_the_roles(kubectl: Kubectl) -> None:
    (primary,) = primaries(kubectl)
    metrics = kubectl("get", "--raw", f"/api/v1/namespaces/{NAMESPACE}/pods/{primary}:9121/proxy/metrics")
    assert "redis_up 1" in metrics
    assert "redis_connected_slaves 2" in metrics


def test_a_killed_server_is_replaced_for_every_client_and_nothing_is_lost(
    kubectl: Kubectl, cluster: Cluster, clients: dict[str, Client], record_property: Note
) -> None:
    (old,) = primaries(kubectl)
    pids = nodes.pids_of(cluster, NAMESPACE, old, "redis")
    (server,) = named("redis-server", of(pids))
    server.send_signal(signal.SIGKILL)
    come_back(kubectl, clients, old, record_property, "killed server")
    # It waits for a replica, so nothing may be missing; the other one doesn't.
    assert clients["Sentinel"].lost() == 0


def test_a_deleted_primary_hands_over_and_nothing_is_lost(
    kubectl: Kubectl, clients: dict[str, Client], record_property: Note
) -> None:
    (old,) = primaries(kubectl)
    kubectl("delete", "pod", old, "-n", NAMESPACE)
    come_back(kubectl, clients, old, record_property, "deleted pod")
    assert [client.lost() for client in clients.values()] == [0, 0]


def test_a_new_template_restarts_every_pod_and_moves_the_role_once(
    kubectl: Kubectl, clients: dict[str, Client], record_property: Note
) -> None:
    (old,) = primaries(kubectl)
    annotation = {"spec": {"template": {"metadata": {"annotations": {"test/turn": "next"}}}}}
    kubectl("patch", "statefulset", "redis-sfs", "-n", NAMESPACE, "-p", json.dumps(annotation))
    come_back(kubectl, clients, old, record_property, "restart of all pods")
    assert [client.lost() for client in clients.values()] == [0, 0]
    log = "".join(kubectl("logs", "-n", NAMESPACE, pod) for pod in controllers(kubectl))
    restarts = [line for line in log.splitlines() if "restarts with the new template" in line]
    assert len(restarts) == 3
    assert old in restarts[-1]


def controllers(kubectl: Kubectl) -> list[str]:
    pods = kubectl.items("pods", "-n", NAMESPACE, "-l", "app=redis-controller")
    return [pod["metadata"]["name"] for pod in pods]


def scale(kubectl: Kubectl, instances: int) -> None:
    roll_out(kubectl, declared(instances))
    eventually(lambda: all_ready(kubectl, instances), f"{instances} pods are ready", LONG_SECONDS)
    eventually(lambda: all_know(kubectl, instances), f"every Sentinel knows of {instances}", LONG_SECONDS)


def lead(kubectl: Kubectl, ordinal: int) -> None:
    """Make this pod the primary, by making the primary anew."""
    (old,) = primaries(kubectl)
    new = f"redis-sfs-{ordinal}"
    # The kubelet renews files when it looks at a pod, in a minute or two; a change of the pod makes it look.
    kubectl("annotate", "pods", "-l", "app=redis-sfs", "-n", NAMESPACE, "test/look=now", "--overwrite")
    number = lambda: kubectl("exec", old, "-n", NAMESPACE, "-c", "redis", "--", "cat", "/etc/redis-config/instances")  # noqa: E731
    eventually(lambda: int(number()) > ordinal, f"{old} knows of {new}", LONG_SECONDS)
    # The role goes to the lowest ordinal that replicates from the primary: for a moment that is this one.
    for lower in {f"redis-sfs-{n}" for n in range(ordinal)} - {old}:
        cli(kubectl, lower, "replicaof", f"{new}.redis-sfs.redis.svc.cluster.local", "6379", user="sentinel")
    kubectl("delete", "pod", old, "-n", NAMESPACE)
    eventually(lambda: primaries(kubectl) == [new], f"{new} has the label", LONG_SECONDS)


def test_scaling_restarts_nobody_and_moves_the_role_once_from_a_pod_that_goes(
    kubectl: Kubectl, clients: dict[str, Client], record_property: Note
) -> None:
    before = uids(kubectl)
    scale(kubectl, 5)
    assert before < uids(kubectl)
    lead(kubectl, 3)
    eventually(lambda: all_ready(kubectl, 5), "the old primary is back", LONG_SECONDS)
    before = uids(kubectl)
    # A Sentinel that has only just started has seen nothing before.
    moves = lambda: [kubectl("logs", f"redis-sfs-{n}", "-n", NAMESPACE, "-c", "sentinel") for n in range(3)]  # noqa: E731
    seen = [log.count("+switch-master") for log in moves()]
    scale(kubectl, 3)
    assert uids(kubectl) < before
    assert [log.count("+switch-master") for log in moves()] == [count + 1 for count in seen]
    come_back(kubectl, clients, "redis-sfs-3", record_property, "five instances and back")
    assert [client.lost() for client in clients.values()] == [0, 0]


def test_a_primary_whose_node_loses_power_is_replaced(
    kubectl: Kubectl, cluster: Cluster, clients: dict[str, Client], record_property: Note
) -> None:
    (old,) = primaries(kubectl)
    node = kubectl("get", "pod", old, "-n", NAMESPACE, "-o", "jsonpath={.spec.nodeName}")
    nodes.power_off(cluster, node)
    try:
        lost = time.monotonic()
        # The clients are on other nodes; one of the two controllers, and of the two DNS servers, may be gone too.
        eventually(lambda: clients["Sentinel"].writes_since(lost + 10), "it writes again", LONG_SECONDS)
    finally:
        nodes.power_on(cluster, node)
    come_back(kubectl, clients, old, record_property, "lost node")
    assert clients["Sentinel"].lost() == 0


def accounts(kubectl: Kubectl) -> list[str]:
    return [cli(kubectl, f"redis-sfs-{ordinal}", "get", "account") for ordinal in range(3)]


def test_a_copy_is_made_and_restored_by_the_pod_of_the_runbook(kubectl: Kubectl) -> None:
    (primary,) = primaries(kubectl)
    assert cli(kubectl, primary, "set", "account", "full") == "OK"
    eventually(lambda: accounts(kubectl) == ["full"] * 3, "all have it")
    kubectl("create", "job", "redis-backup-now", "-n", NAMESPACE, "--from=cronjob/redis-backup")
    kubectl("wait", "-n", NAMESPACE, "job/redis-backup-now", "--for=condition=Complete", "--timeout=60s")
    said = kubectl("logs", "-n", NAMESPACE, "job/redis-backup-now")
    copy = next(line.split()[-1] for line in said.splitlines() if line.startswith("copied to"))
    assert cli(kubectl, primary, "set", "account", "emptied by mistake") == "OK"

    kubectl("scale", "statefulset", "redis-sfs", "-n", NAMESPACE, "--replicas=0")
    eventually(lambda: not kubectl.items("pods", "-n", NAMESPACE, "-l", "app=redis-sfs"), "all stopped", LONG_SECONDS)
    restore = yaml.safe_load(RUNBOOK.read_text().split("<<'POD'\n")[1].split("   POD\n")[0])
    (container,) = restore["spec"]["containers"]
    container["image"], container["command"][2] = images.reference("redis"), copy
    kubectl.apply(restore)
    done = "--for=jsonpath={.status.phase}=Succeeded"
    kubectl("wait", "-n", NAMESPACE, "pod/redis-restore", done, "--timeout=60s")
    kubectl("delete", "pod", "redis-restore", "-n", NAMESPACE)
    kubectl("scale", "statefulset", "redis-sfs", "-n", NAMESPACE, "--replicas=3")
    eventually(lambda: all_ready(kubectl), "all pods are back", LONG_SECONDS)
    assert accounts(kubectl) == ["full"] * 3


def test_the_controller_uses_all_of_its_rights_and_needs_no_others(kubectl: Kubectl, cluster: Cluster) -> None:
    account = f"system:serviceaccount:{NAMESPACE}:redis-controller"
    lines = [json.loads(line) for line in cluster.audit_log.read_text().splitlines()]
    own = [line for line in lines if line["user"]["username"] == account]
    used = {
        ("/".join(filter(None, (what["resource"], what.get("subresource")))), line["verb"])
        for line in own
        for what in [line["objectRef"]]
    }
    granted = {
        (resource, verb)
        for rule in (*rules("redis-sfs"), *ELECTION_RULES)
        for resource in rule.resources
        for verb in rule.verbs
    }
    assert used == granted
    assert not [line for line in own if line["responseStatus"]["code"] == 403]
