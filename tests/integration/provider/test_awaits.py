"""What an update waits for before it calls a resource made."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

import pytest
from plugin import Failure, Plugin
from workbench import Body, config_map

if TYPE_CHECKING:
    from workbench import Kubectl

TEMPLATE = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}}
NOWHERE = {
    "metadata": {"labels": {"app": "x"}},
    "spec": {"containers": [{"name": "c", "image": "nginx:1"}], "nodeSelector": {"no-such": "node"}},
}
SELECTOR = {"matchLabels": {"app": "x"}}


def declare(api_version: str, kind: str, namespace: str, spec: Body, **annotations: str) -> Body:
    """Return an object called `one`."""
    metadata = {"name": "one", "namespace": namespace, "annotations": dict(annotations)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


READY: dict[str, tuple[str, str, Body]] = {
    "deployment": ("apps/v1", "Deployment", {"replicas": 2, "selector": SELECTOR, "template": TEMPLATE}),
    "stateful set": (
        "apps/v1",
        "StatefulSet",
        {"replicas": 2, "serviceName": "s", "selector": SELECTOR, "template": TEMPLATE},
    ),
    "daemon set": ("apps/v1", "DaemonSet", {"selector": SELECTOR, "template": TEMPLATE}),
    "pod": ("v1", "Pod", TEMPLATE["spec"]),
}


@pytest.mark.parametrize("case", READY)
def test_a_workload_is_made_once_all_its_pods_are_ready(plugin: Plugin, namespace: str, case: str) -> None:
    api_version, kind, spec = READY[case]
    status = plugin.create(declare(api_version, kind, namespace, spec)).outputs["status"]
    wanted = spec.get("replicas", status.get("desiredNumberScheduled"))
    if kind == "Pod":
        assert {item["type"]: item["status"] for item in status["conditions"]}["Ready"] == "True"
    else:
        assert status.get("readyReplicas", status.get("numberReady")) == wanted > 0


def test_a_rollout_is_waited_for_as_well(plugin: Plugin, namespace: str) -> None:
    spec = {"replicas": 2, "selector": SELECTOR, "template": TEMPLATE}
    made = plugin.create(declare("apps/v1", "Deployment", namespace, spec))
    container = {"name": "c", "image": "nginx:2"}
    template = {**TEMPLATE, "spec": {"containers": [container]}}
    changed = plugin.update(made, declare("apps/v1", "Deployment", namespace, {**spec, "template": template}))
    status = changed.outputs["status"]
    assert status["observedGeneration"] == changed.outputs["metadata"]["generation"]
    assert status["updatedReplicas"] == status["availableReplicas"] == status["replicas"] == 2


UNREADY: dict[str, tuple[str, str, Body, str]] = {
    "deployment": ("apps/v1", "Deployment", {"selector": SELECTOR, "template": NOWHERE}, "1 replicas"),
    "stateful set": (
        "apps/v1",
        "StatefulSet",
        {"serviceName": "s", "selector": SELECTOR, "template": NOWHERE},
        "1 replicas",
    ),
    "pod": ("v1", "Pod", NOWHERE["spec"], "Unschedulable"),
    "job": (
        "batch/v1",
        "Job",
        {"template": {"spec": {**NOWHERE["spec"], "restartPolicy": "Never"}}},
        "the Job to complete",
    ),
    "claim": (
        "v1",
        "PersistentVolumeClaim",
        {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "no-such-class",
            "resources": {"requests": {"storage": "1Gi"}},
        },
        "a volume of class 'no-such-class'",
    ),
    "service": ("v1", "Service", {"selector": {"app": "nobody"}, "ports": [{"port": 80}]}, "a ready pod"),
    "load balancer": (
        "v1",
        "Service",
        {"type": "LoadBalancer", "selector": {"app": "nobody"}, "ports": [{"port": 80}]},
        "the load balancer's address",
    ),
}


@pytest.mark.parametrize("case", UNREADY)
def test_what_does_not_become_ready_in_time_is_kept_and_waited_for_again(
    plugin: Plugin, namespace: str, case: str
) -> None:
    api_version, kind, spec, lacking = UNREADY[case]
    body = declare(api_version, kind, namespace, spec)
    with pytest.raises(Failure) as raised:
        plugin.create(body, seconds=0.5)
    failure = raised.value
    assert "was successfully created, but" in failure.message
    assert "timed out after 0.5 s" in failure.message
    assert lacking in failure.message
    assert failure.object_id == f"{namespace}/one"
    assert failure.properties["metadata"]["name"] == "one"


def test_a_rollout_past_its_deadline_fails_at_once(plugin: Plugin, namespace: str) -> None:
    spec = {"progressDeadlineSeconds": 1, "selector": SELECTOR, "template": NOWHERE}
    begun = time.monotonic()
    with pytest.raises(Failure, match="ProgressDeadlineExceeded"):
        plugin.create(declare("apps/v1", "Deployment", namespace, spec), seconds=60)
    assert time.monotonic() - begun < 30


def test_a_job_that_failed_fails_the_update_and_a_complete_one_is_made(
    plugin: Plugin, namespace: str, kubectl: Kubectl
) -> None:
    pod = {**NOWHERE["spec"], "restartPolicy": "Never"}
    spec = {"template": {"spec": pod}, "activeDeadlineSeconds": 1}
    with pytest.raises(Failure, match="DeadlineExceeded"):
        plugin.create(declare("batch/v1", "Job", namespace, spec), seconds=60)
    kubectl("delete", "job", "one", "-n", namespace)
    suspended = declare("batch/v1", "Job", namespace, {"template": {"spec": pod}, "suspend": True})
    assert plugin.create(suspended).outputs["spec"]["suspend"] is True


def test_a_claim_whose_class_waits_for_its_first_pod_is_not_waited_for(
    plugin: Plugin, namespace: str, kubectl: Kubectl
) -> None:
    storage_class = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": f"lazy-{namespace}"},
        "provisioner": "example.com/none",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    kubectl("create", body=storage_class)
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": f"lazy-{namespace}",
        "resources": {"requests": {"storage": "1Gi"}},
    }
    made = plugin.create(declare("v1", "PersistentVolumeClaim", namespace, spec))
    assert made.outputs["status"]["phase"] == "Pending"
    kubectl("delete", "storageclass", f"lazy-{namespace}")


def test_a_service_is_made_once_a_ready_pod_stands_behind_it(plugin: Plugin, namespace: str) -> None:
    service = declare("v1", "Service", namespace, {"selector": {"app": "x"}, "ports": [{"port": 80}]})
    answers: list[object] = []
    waiting = threading.Thread(target=lambda: answers.append(plugin.create(service, seconds=50)))
    waiting.start()
    time.sleep(0.5)
    assert answers == []
    pod = declare("v1", "Pod", namespace, TEMPLATE["spec"])
    pod["metadata"]["labels"] = {"app": "x"}
    plugin.create(pod)
    waiting.join(timeout=50)
    assert len(answers) == 1


@pytest.mark.parametrize(
    "spec",
    [
        {"clusterIP": "None", "selector": {"app": "nobody"}, "ports": [{"port": 80}]},
        {"type": "ExternalName", "externalName": "example.com"},
        {"ports": [{"port": 80}]},
    ],
    ids=["headless", "external name", "without selector"],
)
def test_some_services_have_nothing_to_wait_for(plugin: Plugin, namespace: str, spec: Body) -> None:
    assert plugin.create(declare("v1", "Service", namespace, spec)).object_id == f"{namespace}/one"


def test_the_program_may_skip_the_wait(plugin: Plugin, namespace: str) -> None:
    spec = {"selector": SELECTOR, "template": NOWHERE}
    body = declare("apps/v1", "Deployment", namespace, spec, **{"pulumi.com/skipAwait": "true"})
    assert plugin.create(body).object_id == f"{namespace}/one"


def test_the_program_may_set_the_time_by_annotation(plugin: Plugin, namespace: str) -> None:
    spec = {"selector": SELECTOR, "template": NOWHERE}
    body = declare("apps/v1", "Deployment", namespace, spec, **{"pulumi.com/timeoutSeconds": "1"})
    with pytest.raises(Failure, match="timed out after 1 s"):
        plugin.create(body)


@pytest.mark.parametrize(
    ("expression", "met"),
    [
        ("jsonpath={.data.phase}=Running", True),
        ("jsonpath={.data.phase}", True),
        ("jsonpath={.data.other}", False),
        ("jsonpath={.data.phase}=Failed", False),
        ("jsonpath={.metadata.labels['example.com/a']}=b", True),
        ("jsonpath={.metadata.finalizers[0]}=example.com/none", False),
        ("condition=Ready", False),
        (json.dumps(["jsonpath={.data.phase}=Running", "jsonpath={.data.*}=Running"]), True),
        (json.dumps(["jsonpath={.data.phase}=Running", "condition=Ready"]), False),
    ],
)
def test_the_program_may_say_what_to_wait_for(plugin: Plugin, namespace: str, expression: str, *, met: bool) -> None:
    body = config_map("one", namespace, phase="Running")
    body["metadata"] |= {"labels": {"example.com/a": "b"}, "annotations": {"pulumi.com/waitFor": expression}}
    if met:
        assert plugin.create(body, seconds=1).object_id == f"{namespace}/one"
    else:
        with pytest.raises(Failure, match="timed out"):
            plugin.create(body, seconds=0.3)


def test_a_condition_of_the_object_can_be_waited_for(plugin: Plugin, namespace: str) -> None:
    spec = {"selector": SELECTOR, "template": TEMPLATE}
    ready = json.dumps(["condition=Available", 'jsonpath={.status.conditions[?(@.type=="Progressing")].status}=True'])
    made = plugin.create(declare("apps/v1", "Deployment", namespace, spec, **{"pulumi.com/waitFor": ready}))
    conditions = {item["type"]: item["status"] for item in made.outputs["status"]["conditions"]}
    assert conditions["Available"] == conditions["Progressing"] == "True"


@pytest.mark.parametrize(
    "expression", ["Ready", "[condition=Ready]", "jsonpath=.status", "jsonpath={.a[x}=1", "condition="]
)
def test_an_expression_that_makes_no_sense_is_refused_before_anything_is_made(
    plugin: Plugin, namespace: str, kubectl: Kubectl, expression: str
) -> None:
    body = config_map("one", namespace)
    body["metadata"]["annotations"] = {"pulumi.com/waitFor": expression}
    with pytest.raises(Failure, match=r"pulumi\.com/waitFor.*isn't understood"):
        plugin.create(body)
    assert "one" not in kubectl("get", "configmap", "-n", namespace, "-o", "name")


def test_a_refresh_of_what_is_not_ready_says_so(plugin: Plugin, namespace: str) -> None:
    spec = {"selector": SELECTOR, "template": TEMPLATE}
    made = plugin.create(declare("apps/v1", "Deployment", namespace, spec))
    unready = declare("apps/v1", "Deployment", namespace, {**spec, "template": NOWHERE, "replicas": 2})
    with pytest.raises(Failure):
        plugin.update(made, unready, seconds=0.2)
    with pytest.raises(Failure, match="waiting for 2 replicas") as raised:
        plugin.read(made)
    assert raised.value.object_id == f"{namespace}/one"


def test_cancelling_ends_the_wait_and_keeps_what_was_made(settings: Body, namespace: str) -> None:
    spec = {"selector": SELECTOR, "template": NOWHERE}
    failures: list[Failure] = []
    with Plugin("kubernetes", settings) as plugin:

        def create() -> None:
            with pytest.raises(Failure) as raised:
                plugin.create(declare("apps/v1", "Deployment", namespace, spec))
            failures.append(raised.value)

        waiting = threading.Thread(target=create)
        waiting.start()
        time.sleep(0.5)
        plugin.cancel()
        waiting.join(timeout=5)
    assert "cancelled while waiting" in failures[0].message
    assert failures[0].object_id == f"{namespace}/one"
