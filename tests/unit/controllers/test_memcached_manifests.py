"""What is made for a Memcached, and its status, as functions of what is there."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

import pytest
import yaml
from lightkube.models.apps_v1 import DeploymentCondition, DeploymentStatus
from lightkube.models.core_v1 import PodStatus
from lightkube.models.meta_v1 import ObjectMeta, OwnerReference
from lightkube.resources.core_v1 import Pod

from components.memcached import MemcachedSpec
from controllers.memcached import manifests
from controllers.memcached.memory import item_mebibytes
from controllers.memcached.model import Memcached
from controllers.memcached.names import labels, selector
from controllers.memcached.pods import Server
from controllers.memcached.status import failed_status, status_of

CRD = Path(__file__).parents[3] / "crds" / "memcacheds.yaml"
SERVER = Server(image="registry.example.com/memcached:1.6", cpu="50m", cpu_limit=None, memory="128Mi")
NOW = datetime(2026, 8, 1, 12, 0, tzinfo=UTC)
LATER = datetime(2026, 8, 1, 13, 0, tzinfo=UTC)


def memcached(size=2, status=None):
    return Memcached.from_object(
        {
            "metadata": {"name": "sessions", "namespace": "caches", "uid": "uid-1", "generation": 3},
            "spec": {"size": size},
            **({"status": status} if status else {}),
        }
    )


def deployment(size=2, server=SERVER) -> Any:
    return manifests.deployment(memcached(size), server)


def service() -> Any:
    return manifests.service(memcached())


def budget(size=2) -> Any:
    return manifests.budget(memcached(size))


def pod(name, *, owner="sessions-77d", phase="Running", going=False):
    reference = OwnerReference(apiVersion="apps/v1", kind="ReplicaSet", name=owner, uid="uid-2", controller=True)
    meta = ObjectMeta(
        name=name,
        labels={**labels("sessions"), "pod-template-hash": "77d"},
        ownerReferences=[reference],
        deletionTimestamp=NOW if going else None,
    )
    return Pod(metadata=meta, status=PodStatus(phase=phase))


def rolled_out(size=2, **changes):
    made = deployment(size)
    made.metadata.generation = 7
    counts: dict[str, Any] = {
        "replicas": size,
        "updatedReplicas": size,
        "availableReplicas": size,
        "observedGeneration": 7,
        **changes,
    }
    made.status = DeploymentStatus(**counts)
    return made


def condition(status, kind):
    (found,) = [c for c in status["conditions"] if c["type"] == kind]
    return found["status"], found["reason"]


def test_the_deployment_has_as_many_replicas_as_the_size_says():
    assert [deployment(size).spec.replicas for size in (0, 1, 5)] == [0, 1, 5]


def test_service_budget_and_deployment_select_the_same_pods():
    made = deployment()
    assert made.spec.selector.matchLabels == selector("sessions")
    assert selector("sessions").items() <= made.spec.template.metadata.labels.items()
    assert service().spec.selector == selector("sessions")
    assert budget().spec.selector.matchLabels == selector("sessions")


def test_the_service_is_headless():
    assert service().spec.clusterIP == "None"


@pytest.mark.parametrize(("size", "there"), [(0, False), (1, False), (2, True), (3, True)])
def test_only_several_nodes_have_a_budget(size, there):
    assert (budget(size) is not None) is there


@pytest.mark.parametrize(("limit", "items"), [(64 * 2**20, 48), (128 * 2**20, 96), (2**30, 768), (100_000_000, 71)])
def test_three_quarters_of_the_memory_limit_are_for_items(limit, items):
    assert item_mebibytes(limit) == items


@pytest.mark.parametrize("memory", ["63Mi", "1", "0", "64M"])
def test_a_limit_without_room_beside_the_items_is_refused(memory):
    with pytest.raises(ValueError, match=f"'{memory}' is not a quantity of at least 64Mi"):
        Server(image="memcached", cpu="50m", cpu_limit=None, memory=memory)


def test_the_memory_limit_is_that_of_the_container_and_tells_memcached_its_own():
    server = Server(image="memcached", cpu="50m", cpu_limit="2", memory="1Gi")
    (container,) = deployment(server=server).spec.template.spec.containers
    assert container.resources.limits == {"memory": "1Gi", "cpu": "2"}
    assert container.resources.requests == {"memory": "1Gi", "cpu": "50m"}
    assert "--memory-limit=768" in container.command


def test_nodes_are_the_names_of_the_pods_sorted():
    status = status_of(memcached(), rolled_out(), [pod("sessions-77d-b"), pod("sessions-77d-a")], NOW)
    assert status["nodes"] == ["sessions-77d-a", "sessions-77d-b"]


def test_pods_that_end_and_pods_of_others_are_no_nodes():
    pods = [
        pod("kept"),
        pod("going", going=True),
        pod("evicted", phase="Failed"),
        pod("done", phase="Succeeded"),
        pod("foreign", owner="other"),
        Pod(metadata=ObjectMeta(name="bare", labels=labels("sessions"))),
    ]
    assert status_of(memcached(), rolled_out(), pods, NOW)["nodes"] == ["kept"]


@pytest.mark.parametrize(
    ("made", "ready", "progressing"),
    [
        (rolled_out(), ("True", "Available"), ("False", "RolledOut")),
        (rolled_out(availableReplicas=1), ("False", "PodsNotAvailable"), ("True", "RollingOut")),
        (rolled_out(availableReplicas=3, replicas=3), ("True", "Available"), ("True", "RollingOut")),
        (rolled_out(observedGeneration=6), ("True", "Available"), ("True", "RollingOut")),
        (
            rolled_out(
                availableReplicas=0,
                conditions=[
                    DeploymentCondition(
                        status="True", type="ReplicaFailure", reason="FailedCreate", message="exceeded quota"
                    ),
                    DeploymentCondition(
                        status="False", type="Progressing", reason="ProgressDeadlineExceeded", message="too long"
                    ),
                ],
            ),
            ("False", "FailedCreate"),
            ("False", "ProgressDeadlineExceeded"),
        ),
    ],
    ids=["rolled out", "one missing", "one too many", "not seen yet", "refused"],
)
def test_conditions_follow_from_the_deployment(made, ready, progressing):
    status = status_of(memcached(), made, [], NOW)
    assert condition(status, "Ready") == ready
    assert condition(status, "Progressing") == progressing
    assert {c["observedGeneration"] for c in status["conditions"]} == {3}


def test_a_memcached_of_no_nodes_is_not_ready_and_says_why():
    assert condition(status_of(memcached(0), rolled_out(0), [], NOW), "Ready") == ("False", "ScaledToZero")


def test_a_condition_keeps_its_time_until_it_turns():
    before = status_of(memcached(), rolled_out(), [], NOW)
    same = status_of(memcached(status=before), rolled_out(), [], LATER)
    turned = status_of(memcached(status=before), rolled_out(availableReplicas=0), [], LATER)
    times = [[c["lastTransitionTime"] for c in status["conditions"]] for status in (before, same, turned)]
    assert times == [["2026-08-01T12:00:00Z"] * 2, ["2026-08-01T12:00:00Z"] * 2, ["2026-08-01T13:00:00Z"] * 2]


def test_a_failure_keeps_what_was_known():
    before = status_of(memcached(), rolled_out(), [pod("sessions-77d-a")], NOW)
    failed = failed_status(memcached(status=before), "NameConflict", "taken", LATER)
    assert failed["nodes"] == ["sessions-77d-a"]
    assert condition(failed, "Ready") == ("False", "NameConflict")


def schema():
    (version,) = yaml.safe_load(CRD.read_text())["spec"]["versions"]
    return version["schema"]["openAPIV3Schema"]["properties"]


JSON_TYPES = {int: "integer", str: "string", list: "array"}


def test_the_spec_that_the_program_declares_is_that_of_the_crd():
    properties = schema()["spec"]["properties"]
    declared = {name: JSON_TYPES[hint] for name, hint in get_type_hints(MemcachedSpec).items()}
    assert declared == {name: field["type"] for name, field in properties.items()}


def test_the_controller_reads_every_field_of_the_spec_and_writes_every_field_of_the_status():
    spec = {name: field["default"] for name, field in schema()["spec"]["properties"].items()}
    metadata = {"name": "sessions", "namespace": "caches", "uid": "uid-1", "generation": 1}
    read = Memcached.from_object({"metadata": metadata, "spec": spec})
    assert spec == {name: getattr(read, name) for name in spec}
    written = status_of(memcached(), rolled_out(), [], NOW)
    properties = schema()["status"]["properties"]
    assert {name: JSON_TYPES[type(value)] for name, value in written.items()} == {
        name: field["type"] for name, field in properties.items()
    }
    assert set(written["conditions"][0]) == set(properties["conditions"]["items"]["properties"])
