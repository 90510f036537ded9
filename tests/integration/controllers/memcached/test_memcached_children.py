"""What the controller makes of a Memcached, on a real API server."""

import signal
import subprocess
import time

from lightkube.models.core_v1 import Container, PodSpec, ServicePort, ServiceSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod, Service
from lightkube.resources.policy_v1 import PodDisruptionBudget
from memcached_harness import until
from website_harness import eventually

from controllers.memcached.model import MemcachedResource
from controllers.memcached.names import labels

KINDS = (Deployment, Service, PodDisruptionBudget)


def versions(lab):
    """Resource versions of everything that the controller could write to."""
    return {
        (kind.__name__, item.metadata.name): item.metadata.resourceVersion
        for kind in (*KINDS, MemcachedResource)
        for item in lab.api.list(kind, namespace=lab.namespace)
    }


def test_a_memcached_gets_a_deployment_and_a_headless_service_of_its_name(running):
    running.create("sessions", size=1)
    running.wait_size("sessions", 1)
    deployment = running.get(Deployment, "sessions")
    assert deployment.spec.replicas == 1
    (container,) = deployment.spec.template.spec.containers
    assert container.image == running.image
    assert container.command == ["memcached", "--port=11211", "--memory-limit=96", "--conn-limit=1024"]
    service = running.get(Service, "sessions")
    assert (service.spec.clusterIP, service.spec.ports[0].port) == ("None", 11211)
    assert running.missing(PodDisruptionBudget, "sessions")


def test_the_status_names_the_nodes_sorted_and_says_when_they_serve(running):
    running.create("sessions", size=3)
    running.wait_size("sessions", 3)
    until(lambda: running.condition("sessions")["status"] == "True")
    status = running.status("sessions")
    assert status["nodes"] == running.pods()
    assert status["replicas"] == 3
    assert status["observedGeneration"] == 1


def test_children_belong_to_their_memcached(running):
    memcached = running.create("sessions", size=2)
    running.wait_size("sessions", 2)
    for kind in KINDS:
        metadata = running.get(kind, "sessions").metadata
        assert [(o.uid, o.controller) for o in metadata.ownerReferences] == [(memcached.metadata.uid, True)]


def test_the_budget_comes_and_goes_with_the_second_node(running):
    running.create("sessions", size=1)
    running.wait_size("sessions", 1)
    running.resize("sessions", 2)
    running.wait_size("sessions", 2)
    assert running.get(PodDisruptionBudget, "sessions").spec.maxUnavailable == 1
    running.resize("sessions", 1)
    until(lambda: running.missing(PodDisruptionBudget, "sessions"))


def test_no_nodes_are_a_size_too(running):
    running.create("sessions", size=2)
    running.wait_size("sessions", 2)
    running.resize("sessions", 0)
    running.wait_size("sessions", 0)
    assert running.status("sessions")["nodes"] == []
    assert running.condition("sessions")["reason"] == "ScaledToZero"
    assert running.get(Service, "sessions")


def test_kubectl_scales_a_memcached_by_its_scale_subresource(running, toolchain):
    running.create("sessions", size=1)
    running.wait_size("sessions", 1)
    kubectl = [toolchain.path("kubectl"), f"--kubeconfig={running.folder}/admin", f"--namespace={running.namespace}"]
    running.write_admin(running.folder / "admin")
    subprocess.run([*kubectl, "scale", "memcached", "sessions", "--replicas=3"], check=True, capture_output=True)
    running.wait_size("sessions", 3)
    assert running.get(MemcachedResource, "sessions").spec["size"] == 3
    scale = running.get(MemcachedResource.Scale, "sessions")
    assert (scale.spec.replicas, scale.status.replicas) == (3, 3)
    assert scale.status.selector == (
        "app.kubernetes.io/component=cache,app.kubernetes.io/instance=sessions,app.kubernetes.io/name=memcached"
    )


def test_a_deleted_child_is_created_again(running):
    running.create("sessions", size=2)
    running.wait_size("sessions", 2)
    for kind in KINDS:
        old = running.get(kind, "sessions").metadata.uid
        running.api.delete(kind, "sessions", namespace=running.namespace)

        def again(kind=kind, old=old):
            assert running.get(kind, "sessions").metadata.uid != old

        eventually(again)
    running.wait_size("sessions", 2)


def test_a_child_edited_by_hand_is_repaired(running):
    running.create("sessions", size=2)
    running.wait_size("sessions", 2)
    edits = {
        Deployment: {"spec": {"replicas": 5}},
        Service: {"spec": {"selector": {"app.kubernetes.io/instance": "other"}}},
        PodDisruptionBudget: {"spec": {"maxUnavailable": 2}},
    }
    for kind, edit in edits.items():
        running.api.patch(kind, "sessions", edit, namespace=running.namespace)

    def repaired():
        assert running.get(Deployment, "sessions").spec.replicas == 2
        assert running.get(Service, "sessions").spec.selector["app.kubernetes.io/instance"] == "sessions"
        assert running.get(PodDisruptionBudget, "sessions").spec.maxUnavailable == 1

    eventually(repaired)
    running.wait_size("sessions", 2)


def test_a_deleted_pod_leaves_the_nodes_and_its_successor_joins_them(running):
    running.create("sessions", size=2)
    running.wait_size("sessions", 2)
    gone, _ = running.pods()
    running.api.delete(Pod, gone, namespace=running.namespace)

    def replaced():
        nodes = running.status("sessions")["nodes"]
        assert gone not in nodes
        assert len(nodes) == 2
        assert nodes == running.pods()

    eventually(replaced)


def test_a_foreign_pod_under_the_same_labels_is_no_node(running):
    running.create("sessions", size=1)
    running.wait_size("sessions", 1)
    meta = ObjectMeta(name="foreign", namespace=running.namespace, labels=labels("sessions"))
    template = running.get(Deployment, "sessions").spec.template.spec
    spec = PodSpec(
        containers=[Container(name="c", image="foreign", securityContext=template.containers[0].securityContext)],
        securityContext=template.securityContext,
        automountServiceAccountToken=False,
    )
    running.api.create(Pod(metadata=meta, spec=spec))
    running.resize("sessions", 2)
    running.wait_size("sessions", 2)
    assert "foreign" not in running.status("sessions")["nodes"]


def test_a_deleted_memcached_takes_its_children_along(running):
    running.create("sessions", size=2)
    running.wait_size("sessions", 2)
    running.api.delete(MemcachedResource, "sessions", namespace=running.namespace)
    until(lambda: all(running.missing(kind, "sessions") for kind in KINDS))


def test_a_foreign_service_of_the_same_name_is_left_alone_and_named(running):
    meta = ObjectMeta(name="sessions", namespace=running.namespace)
    spec = ServiceSpec(ports=[ServicePort(port=5432)], selector={"app": "database"})
    service = running.api.create(Service(metadata=meta, spec=spec))
    running.create("sessions", size=2)
    running.create("other", size=1)
    running.wait_size("other", 1)

    def told():
        condition = running.condition("sessions")
        assert condition["reason"] == "NameConflict"
        assert f"Service {running.namespace}/sessions already exists" in condition["message"]

    eventually(told)
    assert running.get(Service, "sessions").metadata.resourceVersion == service.metadata.resourceVersion
    assert running.missing(Deployment, "sessions")
    running.api.delete(Service, "sessions", namespace=running.namespace)
    running.wait_size("sessions", 2)


def test_a_foreign_budget_stands_in_the_way_only_where_one_is_wanted(running):
    meta = ObjectMeta(name="sessions", namespace=running.namespace)
    budget = running.api.create(PodDisruptionBudget(metadata=meta))
    running.create("sessions", size=2)
    until(lambda: running.condition("sessions")["reason"] == "NameConflict")
    running.resize("sessions", 1)
    running.wait_size("sessions", 1)
    live = running.get(PodDisruptionBudget, "sessions").metadata
    assert (live.uid, live.deletionTimestamp) == (budget.metadata.uid, None)


def test_nothing_is_written_at_rest(running):
    running.stop()
    running.start("--resync", "1")
    for name, size in (("one", 1), ("two", 2), ("three", 0)):
        running.create(name, size=size)
        running.wait_size(name, size)
    until(lambda: running.condition("two")["status"] == "True")
    before = versions(running)
    time.sleep(3)
    assert versions(running) == before


def test_what_changed_while_no_controller_ran_is_seen_when_it_starts(lab):
    lab.start()
    lab.create("sessions", size=1)
    lab.wait_size("sessions", 1)
    assert lab.stop(signal.SIGTERM) == [0]
    lab.resize("sessions", 3)
    lab.api.delete(Service, "sessions", namespace=lab.namespace)
    lab.start()
    lab.wait_size("sessions", 3)
    assert lab.get(Service, "sessions")
