"""Deletions wait, and say what they wait for."""

from __future__ import annotations

import threading
import time

import pytest
from plugin import Failure, Plugin
from workbench import Kubectl, config_map, definition

RELEASE = '--patch={"metadata":{"finalizers":null}}'


def test_a_deletion_waits_for_finalizers(plugin: Plugin, namespace: str, kubectl: Kubectl) -> None:
    held = config_map("held", namespace, a="1")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    made = plugin.create(held)
    deleting = threading.Thread(target=plugin.delete, args=(made,))
    deleting.start()
    kubectl("wait", "--for=jsonpath={.metadata.deletionTimestamp}", "configmap/held", "-n", namespace)
    time.sleep(0.5)
    assert deleting.is_alive()
    kubectl("patch", "configmap", "held", "-n", namespace, "--type=merge", RELEASE)
    deleting.join(timeout=20)
    assert not deleting.is_alive()
    assert plugin.read(made) is None


def test_a_deletion_that_takes_too_long_fails_and_names_what_holds_it(
    plugin: Plugin, namespace: str, kubectl: Kubectl
) -> None:
    held = config_map("held", namespace, a="1")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    made = plugin.create(held)
    with pytest.raises(Failure, match=r"timed out after 0\.5 s .*held: finalizers example\.com/hold"):
        plugin.delete(made, seconds=0.5)
    kubectl("patch", "configmap", "held", "-n", namespace, "--type=merge", RELEASE)
    plugin.delete(made)


def test_what_is_gone_already_counts_as_deleted(plugin: Plugin, namespace: str, kubectl: Kubectl) -> None:
    made = plugin.create(config_map("one", namespace, a="1"))
    kubectl("delete", "configmap", "one", "-n", namespace)
    plugin.delete(made)


def test_an_object_whose_kind_is_gone_counts_as_deleted(
    settings: dict[str, str], namespace: str, kubectl: Kubectl
) -> None:
    group = "deletion.example.com"
    widget = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "one", "namespace": namespace}}
    kubectl("apply", body=definition(group, "Widget"))
    kubectl("wait", "--for=condition=Established", f"crd/widgets.{group}")
    with Plugin("kubernetes", settings) as plugin:
        made = plugin.create(widget)
        kubectl("delete", "crd", f"widgets.{group}")
        plugin.delete(made)
        assert plugin.read(made) is None
    with Plugin("kubernetes", settings) as restarted:
        restarted.delete(made)


def test_dependents_go_first_unless_the_program_wants_to_orphan_them(
    plugin: Plugin, namespace: str, kubectl: Kubectl
) -> None:
    def replica_set(**annotations: str) -> dict[str, object]:
        template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}}
        return {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {"name": "one", "namespace": namespace, "annotations": dict(annotations)},
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "x"}}, "template": template},
        }

    made = plugin.create(replica_set())
    kubectl("wait", "--for=create", "pod", "-l", "app=x", "-n", namespace)
    plugin.delete(made)
    assert kubectl("get", "pod", "-n", namespace, "-o", "name") == ""
    made = plugin.create(replica_set(**{"pulumi.com/deletionPropagationPolicy": "orphan"}))
    kubectl("wait", "--for=create", "pod", "-l", "app=x", "-n", namespace)
    plugin.delete(made)
    assert kubectl("get", "pod", "-n", namespace, "-o", "name") != ""
