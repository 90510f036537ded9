"""Volumes on the sandbox's control plane behave as Longhorn's driver would make them behave."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.sandbox.kubectl import PATIENCE_SECONDS, Kubectl, eventually, longhorn_class

pytestmark = pytest.mark.usefixtures("classes")


@pytest.fixture(scope="module")
def classes(kubectl: Kubectl) -> None:
    """The StorageClasses that the program declares: one for each way of binding."""
    kubectl.apply(longhorn_class(binding="Immediate"), longhorn_class("longhorn-late"))


def claim(name: str, namespace: str, storage_class: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "storageClassName": storage_class,
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }


def test_a_claim_is_bound_grows_and_takes_its_volume_along(kubectl: Kubectl, namespace: str):
    def read(*fields: str) -> Callable[[], Any]:
        path = "|".join(f"{{.{field}}}" for field in fields)
        return lambda: kubectl("get", "pvc", "data", "-n", namespace, "-o", f"jsonpath={path}")

    kubectl.apply(claim("data", namespace, "longhorn"))
    eventually(lambda: read("status.phase", "status.capacity.storage")() == "Bound|1Gi", "bound")
    volume = read("spec.volumeName")()
    grown = {"spec": {"resources": {"requests": {"storage": "3Gi"}}}}
    kubectl("patch", "pvc", "data", "-n", namespace, "-p", json.dumps(grown))
    eventually(lambda: read("status.capacity.storage")() == "3Gi", "grown")
    assert kubectl("get", "pv", volume, "-o", "jsonpath={.spec.capacity.storage}") == "3Gi"
    kubectl("delete", "pvc", "data", "-n", namespace)
    eventually(lambda: not kubectl("get", "pv", volume, "--ignore-not-found"), "the volume is gone")


def test_a_claim_that_waits_for_its_pod_is_not_bound_before(kubectl: Kubectl, namespace: str):
    kubectl.apply(claim("early", namespace, "longhorn"), claim("late", namespace, "longhorn-late"))
    phase = lambda name: kubectl("get", "pvc", name, "-n", namespace, "-o", "jsonpath={.status.phase}")  # noqa: E731
    eventually(lambda: phase("early") == "Bound", "the claim that doesn't wait is bound")
    assert phase("late") == "Pending"


def test_a_stateful_set_becomes_ready_with_a_volume_for_every_pod(kubectl: Kubectl, namespace: str):
    container = {"name": "c", "image": "example.com/x", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
    template = claim("data", namespace, "longhorn-late")
    kubectl.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "s", "namespace": namespace},
            "spec": {
                "serviceName": "s",
                "replicas": 3,
                "selector": {"matchLabels": {"app": "s"}},
                "template": {"metadata": {"labels": {"app": "s"}}, "spec": {"containers": [container]}},
                "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": template["spec"]}],
            },
        }
    )
    kubectl("rollout", "status", "statefulset/s", "-n", namespace, f"--timeout={PATIENCE_SECONDS}s")
    phases = {item["metadata"]["name"]: item["status"]["phase"] for item in kubectl.items("pvc", "-n", namespace)}
    assert phases == {"data-s-0": "Bound", "data-s-1": "Bound", "data-s-2": "Bound"}
