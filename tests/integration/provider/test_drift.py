"""Refresh, and what a preview says after edits by other clients, as the record says that the official plugin does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from workbench import Body, Kubectl, Outcome, Stack, config_map, definition, kubernetes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.cluster import Cluster
    from sandbox.toolchain import Toolchain

RECORDED: list[Body] = json.loads((Path(__file__).parent / "official-plugin.json").read_text())["drift"]["cases"]
NAMESPACE = "drift"
GROUP = "drift.example.com"
SKIP = {"pulumi.com/skipAwait": "true"}


def workload(kind: str, name: str) -> Body:
    """Return a Deployment or StatefulSet."""
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template}
    metadata = {"name": name, "namespace": NAMESPACE, "annotations": SKIP}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}


SITE = {
    "apiVersion": f"{GROUP}/v1",
    "kind": "Site",
    "metadata": {"name": "patched", "namespace": NAMESPACE},
    "spec": {"text": "a"},
}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "patched", "namespace": NAMESPACE, "annotations": SKIP},
    "spec": {"ports": [{"port": 80}], "selector": {"app": "x"}},
}
ENTRIES = [
    kubernetes(workload("Deployment", "scaled"), "scaled"),
    kubernetes(SITE, "site"),
    kubernetes(config_map("deleted", NAMESPACE, a="1"), "deleted"),
    kubernetes(workload("Deployment", "labelled"), "labelled"),
    kubernetes(workload("StatefulSet", "annotated"), "annotated"),
    kubernetes(SERVICE, "service"),
]
EDITED = {
    "Deployment scaled by kubectl, replicas declared": ["scaled"],
    "CustomResource spec field patched, field declared": ["site"],
    "ConfigMap deleted": ["deleted"],
    "foreign label added to a Deployment, foreign annotation to a StatefulSet": ["labelled", "annotated"],
    "Service field patched that the program doesn't declare (spec.sessionAffinity)": ["service"],
}


@pytest.fixture(scope="module")
def drifted(
    tmp_path_factory: pytest.TempPathFactory, cluster: Cluster, toolchain: Toolchain, kubectl: Kubectl
) -> Iterator[Stack]:
    """A stack whose objects another client has edited."""
    kubectl("apply", body=definition(GROUP, "Site"))
    kubectl("create", "namespace", NAMESPACE)
    kubectl("wait", "--for=condition=Established", f"crd/sites.{GROUP}")
    stack = Stack.make(tmp_path_factory.mktemp("drift"), toolchain.bin, cluster.kubeconfig, cluster.context)
    stack.up(*ENTRIES)

    def edit(*arguments: str) -> None:
        kubectl(arguments[0], "-n", NAMESPACE, *arguments[1:])

    edit("scale", "deployment/scaled", "--replicas=3")
    edit("patch", "site", "patched", "--type=merge", '--patch={"spec": {"text": "b"}}')
    edit("delete", "configmap", "deleted")
    edit("label", "deployment/labelled", "foreign=yes")
    edit("annotate", "statefulset/annotated", "foreign=yes")
    edit("patch", "service", "patched", '--patch={"spec": {"sessionAffinity": "ClientIP"}}')
    yield stack
    stack.destroy()
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")
    kubectl("delete", "crd", f"sites.{GROUP}")


@pytest.fixture(scope="module")
def refreshed(drifted: Stack) -> Outcome:
    """The preview that looks at the cluster first."""
    return drifted.preview(*ENTRIES, refresh=True)


@pytest.mark.parametrize("case", RECORDED, ids=[case["edit"] for case in RECORDED])
def test_a_refreshing_preview_shows_the_recorded_drift(refreshed: Outcome, case: Body) -> None:
    for name in EDITED[case["edit"]]:
        assert refreshed.operations.get(name, "same") == case["op"]
        if "detailedDiff" in case:
            recorded = {path.replace("gitRepo", "text"): change for path, change in case["detailedDiff"].items()}
            assert refreshed.step(name)["detailedDiff"] == recorded


def test_a_preview_that_does_not_refresh_shows_no_drift(drifted: Stack) -> None:
    assert drifted.preview(*ENTRIES).operations == {}


def test_the_next_update_after_a_refresh_puts_everything_back(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    edited, gone = (kubernetes(config_map(name, namespace, a="1")) for name in ("edited", "gone"))
    stack.provider["enableConfigMapMutable"] = "true"
    stack.up(edited, gone)
    kubectl("patch", "configmap", "edited", "-n", namespace, "--type=merge", '--patch={"data": {"a": "2"}}')
    kubectl("delete", "configmap", "gone", "-n", namespace)
    stack.run("refresh", "--yes", "--skip-preview", "--stack=test")
    assert stack.state()["configmap-edited"]["inputs"]["data"] == {"a": "2"}
    assert "configmap-gone" not in stack.state()
    stack.up(edited, gone)
    for name in ("edited", "gone"):
        assert kubectl("get", "configmap", name, "-n", namespace, "-o", "jsonpath={.data.a}") == "1"
    assert stack.preview(edited, gone, refresh=True).operations == {}


def test_the_server_s_spelling_of_a_quantity_is_no_drift(stack: Stack, namespace: str) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "one", "namespace": namespace, "annotations": SKIP},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}},
    }
    stack.up(kubernetes(claim))
    assert stack.preview(kubernetes(claim), refresh=True).operations == {}
