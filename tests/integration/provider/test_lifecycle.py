"""Create, update, replace and delete by the real engine."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from workbench import Body, Kubectl, Stack, config_map, definition, kubernetes

if TYPE_CHECKING:
    from pathlib import Path

GROUP = "lifecycle.example.com"


def data(kubectl: Kubectl, name: str, namespace: str) -> Body:
    """Return the live data of a ConfigMap."""
    return kubectl("get", "configmap", name, "-n", namespace, "-o", "json").get("data", {})


def test_an_object_follows_the_program_until_it_is_removed_from_it(
    stack: Stack, namespace: str, kubectl: Kubectl
) -> None:
    stack.provider["enableConfigMapMutable"] = "true"
    stack.up(kubernetes(config_map("one", namespace, a="1", b="2")))
    assert data(kubectl, "one", namespace) == {"a": "1", "b": "2"}
    stack.up(kubernetes(config_map("one", namespace, a="9")))
    assert data(kubectl, "one", namespace) == {"a": "9"}
    stack.up()
    assert "one" not in kubectl("get", "configmap", "-n", namespace, "-o", "name")


def test_an_immutable_object_of_a_fixed_name_is_deleted_before_its_successor_is_created(
    stack: Stack, namespace: str, kubectl: Kubectl
) -> None:
    stack.up(kubernetes(config_map("one", namespace, a="1")))
    before = kubectl("get", "configmap", "one", "-n", namespace, "-o", "jsonpath={.metadata.uid}")
    stack.up(kubernetes(config_map("one", namespace, a="2")))
    assert data(kubectl, "one", namespace) == {"a": "2"}
    assert kubectl("get", "configmap", "one", "-n", namespace, "-o", "jsonpath={.metadata.uid}") != before


def test_values_known_only_after_the_update_are_previewed_and_applied(
    stack: Stack, namespace: str, kubectl: Kubectl
) -> None:
    unnamed = config_map("", namespace, a="1")
    del unnamed["metadata"]["name"]
    reference = {"$output": ["source", "metadata", "uid"]}
    target = kubernetes(config_map("target", namespace, uid=reference), "target")
    made = stack.preview(kubernetes(unnamed, "source"), target).operations
    assert (made["source"], made["target"]) == ("create", "create")
    stack.up(kubernetes(unnamed, "source"), target)
    source = stack.state()["source"]["outputs"]["metadata"]
    assert source["name"].startswith("source-")
    assert data(kubectl, "target", namespace) == {"uid": source["uid"]}


def test_a_kind_and_a_namespace_may_come_with_the_same_update(stack: Stack, kubectl: Kubectl) -> None:
    home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lifecycle-new"}}
    gadget = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "Gadget",
        "metadata": {
            "name": "one",
            "namespace": "lifecycle-new",
            # Foreground deletion waits for the garbage collector, which looks for new kinds every 30 seconds only.
            "annotations": {"pulumi.com/deletionPropagationPolicy": "background"},
        },
        "spec": {"text": "3"},
    }
    entries = [
        kubernetes(definition(GROUP, "Gadget"), "definition"),
        # A namespace can't go as long as the API server can't list all kinds in it.
        kubernetes(home, "home", options={"depends_on": ["definition"]}),
        kubernetes(config_map("inside", "lifecycle-new"), "inside", options={"depends_on": ["home"]}),
        kubernetes(gadget, "gadget", options={"depends_on": ["home"]}),
    ]
    made = stack.preview(*entries).operations
    assert (made["inside"], made["gadget"]) == ("create", "create")
    stack.up(*entries)
    assert kubectl("get", f"gadgets.{GROUP}", "one", "-n", "lifecycle-new", "-o", "jsonpath={.spec.text}") == "3"
    stack.destroy()
    assert "lifecycle-new" not in kubectl("get", "namespaces", "-o", "name")
    assert GROUP not in kubectl("get", "crds", "-o", "name")


def test_a_kubeconfig_may_be_given_as_its_content(stack: Stack, namespace: str, tmp_path: Path) -> None:
    content = subprocess.run(
        ["kubectl", f"--kubeconfig={stack.provider['kubeconfig']}", "config", "view", "--flatten", "--minify"],
        env=stack.environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    stack.provider["kubeconfig"] = {"$secret": content}
    stack.up(kubernetes(config_map("one", namespace, a="1")))
    assert "configmap-one" in stack.state()


def test_warnings_of_the_api_server_reach_the_user(stack: Stack, namespace: str) -> None:
    def endpoints(name: str) -> Body:
        return {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": name, "namespace": namespace}}

    assert "v1 Endpoints is deprecated" in stack.up(kubernetes(endpoints("one"))).output
    stack.provider["suppressDeprecationWarnings"] = "true"
    assert "deprecated" not in stack.up(kubernetes(endpoints("two"))).output


def test_a_partial_failure_is_kept_and_the_next_update_waits_again(
    stack: Stack, namespace: str, kubectl: Kubectl
) -> None:
    body = config_map("one", namespace, phase="Starting")
    body["metadata"]["annotations"] = {
        "pulumi.com/waitFor": "jsonpath={.data.phase}=Running",
        "pulumi.com/timeoutSeconds": "1",
    }
    outcome = stack.up(kubernetes(body, options={"ignore_changes": ["data.phase"]}), fails=True)
    assert "timed out after 1 s while waiting for jsonpath={.data.phase}=Running" in outcome.output
    assert stack.state()["configmap-one"]["initErrors"]
    kubectl("patch", "configmap", "one", "-n", namespace, '--patch={"data": {"phase": "Running"}}')
    stack.up(kubernetes(body, options={"ignore_changes": ["data.phase"]}))
    assert "initErrors" not in stack.state()["configmap-one"]
