"""Create, update, replace and delete, with what other clients do in between."""

from __future__ import annotations

import copy
import subprocess
import time
from typing import TYPE_CHECKING

from workbench import Body, Kubectl, Stack, config_map, kubernetes

if TYPE_CHECKING:
    from pathlib import Path

GROUP = "lifecycle.example.com"


def definition(kind: str) -> Body:
    """Return the definition of a namespaced kind whose spec has a `size`."""
    plural = f"{kind.lower()}s"
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": {"size": {"type": "integer"}}}},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": f"{kind}List"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def custom(kind: str, name: str, namespace: str, size: int) -> Body:
    """Return an object of a kind that `definition` defines."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, "spec": {"size": size}}


def data(kubectl: Kubectl, name: str, namespace: str) -> dict[str, str]:
    """Return the live data of a ConfigMap."""
    return kubectl("get", "configmap", name, "-n", namespace, "-o", "json").get("data", {})


def mutable(stack: Stack) -> None:
    """Let the stack edit ConfigMaps in place."""
    stack.provider["enableConfigMapMutable"] = "true"


def test_an_object_follows_the_program_until_it_is_removed_from_it(
    stack: Stack, namespace: str, kubectl: Kubectl
) -> None:
    mutable(stack)
    stack.up(kubernetes(config_map("one", namespace, a="1", b="2")))
    assert data(kubectl, "one", namespace) == {"a": "1", "b": "2"}
    stack.up(kubernetes(config_map("one", namespace, a="9")))
    assert data(kubectl, "one", namespace) == {"a": "9"}
    stack.up()
    assert "one" not in kubectl("get", "configmap", "-n", namespace, "-o", "name")


def test_what_other_managers_add_stays_and_what_was_added_by_hand_goes(
    stack: Stack, namespace: str, kubectl: Kubectl
) -> None:
    mutable(stack)
    stack.up(kubernetes(config_map("one", namespace, a="1")))
    edit = ("patch", "configmap", "one", "-n", namespace, "--type=merge")
    kubectl(*edit, '--patch={"data": {"theirs": "x"}}', "--field-manager=someone")
    kubectl(*edit, '--patch={"data": {"by-hand": "x"}}')
    stack.up(kubernetes(config_map("one", namespace, a="2")))
    assert data(kubectl, "one", namespace) == {"a": "2", "theirs": "x"}


def test_a_field_of_another_manager_is_taken_only_by_force(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    mutable(stack)
    stack.up(kubernetes(config_map("one", namespace, a="1")))
    foreign = config_map("one", namespace, a="theirs")
    kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=someone", body=foreign)
    outcome = stack.up(kubernetes(config_map("one", namespace, a="2")), fails=True)
    assert 'conflict with "someone"' in outcome.output
    assert "data.a" in outcome.output
    assert "pulumi.com/patchForce" in outcome.output
    forced = config_map("one", namespace, a="2")
    forced["metadata"]["annotations"] = {"pulumi.com/patchForce": "true"}
    stack.up(kubernetes(forced))
    assert data(kubectl, "one", namespace) == {"a": "2"}


def test_the_program_may_name_its_field_manager_and_change_it(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    mutable(stack)
    for manager in ("first", "second"):
        named = config_map("one", namespace, a=manager)
        named["metadata"]["annotations"] = {"pulumi.com/patchFieldManager": manager}
        stack.up(kubernetes(named))
    live = kubectl("get", "configmap", "one", "-n", namespace, "-o", "json", "--show-managed-fields")
    assert [entry["manager"] for entry in live["metadata"]["managedFields"]] == ["second"]


def test_creating_what_exists_already_is_an_error(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "one", "-n", namespace, "--from-literal=a=theirs")
    ours = kubernetes(config_map("one", namespace, a="ours"))
    outcome = stack.up(ours, fails=True)
    assert f'ConfigMap "{namespace}/one" already exists' in outcome.output
    assert data(kubectl, "one", namespace) == {"a": "theirs"}
    stack.provider |= {"upsertExistingObjects": "true", "enablePatchForce": "true"}
    stack.up(ours)
    assert data(kubectl, "one", namespace) == {"a": "ours"}


def test_an_immutable_object_of_a_fixed_name_is_deleted_before_its_successor_is_created(
    stack: Stack, namespace: str, kubectl: Kubectl
) -> None:
    stack.up(kubernetes(config_map("one", namespace, a="1")))
    before = kubectl("get", "configmap", "one", "-n", namespace, "-o", "jsonpath={.metadata.uid}")
    assert stack.preview(kubernetes(config_map("one", namespace, a="2"))).operations == {"configmap-one": "replace"}
    stack.up(kubernetes(config_map("one", namespace, a="2")))
    assert data(kubectl, "one", namespace) == {"a": "2"}
    assert kubectl("get", "configmap", "one", "-n", namespace, "-o", "jsonpath={.metadata.uid}") != before


def test_an_object_without_a_name_gets_one_and_keeps_it_until_it_is_replaced(
    stack: Stack, namespace: str, kubectl: Kubectl
) -> None:
    unnamed = config_map("", namespace, a="1")
    del unnamed["metadata"]["name"]
    stack.up(kubernetes(unnamed, "anonymous"))
    name = stack.state()["anonymous"]["outputs"]["metadata"]["name"]
    assert name.startswith("anonymous-")
    labelled = copy.deepcopy(unnamed)
    labelled["metadata"]["labels"] = {"a": "b"}
    stack.up(kubernetes(labelled, "anonymous"))
    assert stack.state()["anonymous"]["outputs"]["metadata"]["name"] == name
    labelled["data"] = {"a": "2"}
    stack.up(kubernetes(labelled, "anonymous"))
    successor = stack.state()["anonymous"]["outputs"]["metadata"]["name"]
    assert successor != name
    assert data(kubectl, successor, namespace) == {"a": "2"}


def test_values_known_only_after_the_update_are_previewed_and_applied(
    stack: Stack, namespace: str, kubectl: Kubectl
) -> None:
    source = kubernetes(config_map("source", namespace, a="1"), outputs=["status"])
    target = kubernetes(config_map("target", namespace, uid={"$output": ["configmap-source", "metadata", "uid"]}))
    previewed = stack.preview(source, target)
    assert previewed.operations == {
        "cluster": "create",
        "configmap-source": "create",
        "configmap-target": "create",
        "workbench-test": "create",
    }
    stack.up(source, target)
    uid = kubectl("get", "configmap", "source", "-n", namespace, "-o", "jsonpath={.metadata.uid}")
    assert data(kubectl, "target", namespace) == {"uid": uid}


def test_a_kind_and_a_namespace_may_come_with_the_same_update(stack: Stack, kubectl: Kubectl) -> None:
    home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "lifecycle-new"}}
    entries = [
        kubernetes(definition("Gadget"), "definition"),
        kubernetes(home, "home"),
        kubernetes(
            custom("Gadget", "one", "lifecycle-new", 3), "gadget", options={"depends_on": ["definition", "home"]}
        ),
    ]
    assert stack.preview(*entries).operations["gadget"] == "create"
    stack.up(*entries)
    assert kubectl("get", f"gadgets.{GROUP}", "one", "-n", "lifecycle-new", "-o", "jsonpath={.spec.size}") == "3"
    stack.destroy()
    assert "lifecycle-new" not in kubectl("get", "namespaces", "-o", "name")
    assert GROUP not in kubectl("get", "crds", "-o", "name")


def test_an_object_whose_kind_is_gone_counts_as_deleted(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    kubectl("apply", body=definition("Widget"))
    kubectl("wait", "--for=condition=Established", f"crd/widgets.{GROUP}")
    stack.up(kubernetes(custom("Widget", "one", namespace, 1)))
    kubectl("delete", "crd", f"widgets.{GROUP}")
    stack.destroy()
    assert "widget-one" not in stack.state()


def test_a_deletion_waits_for_finalizers(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    held = config_map("held", namespace, a="1")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    stack.up(kubernetes(held))
    deleting = stack.start("destroy", "--yes", "--skip-preview", "--stack=test")
    kubectl("wait", "--for=jsonpath={.metadata.deletionTimestamp}", "configmap/held", "-n", namespace)
    time.sleep(1)
    assert deleting.poll() is None
    kubectl("patch", "configmap", "held", "-n", namespace, "--type=merge", '--patch={"metadata":{"finalizers":null}}')
    output, _ = deleting.communicate(timeout=60)
    assert deleting.returncode == 0, output


def test_a_deletion_that_takes_too_long_fails_and_names_what_holds_it(
    stack: Stack, namespace: str, kubectl: Kubectl
) -> None:
    held = config_map("held", namespace, a="1")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    stack.up(kubernetes(held, options={"custom_timeouts": {"delete": "2s"}}))
    outcome = stack.up(fails=True)
    assert "timed out after 2 s" in outcome.output
    assert "example.com/hold" in outcome.output
    assert "configmap-held" in stack.state()
    kubectl("patch", "configmap", "held", "-n", namespace, "--type=merge", '--patch={"metadata":{"finalizers":null}}')
    stack.up()
    assert "configmap-held" not in stack.state()


def test_ignored_fields_keep_the_value_that_others_gave_them(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    mutable(stack)
    options = {"ignore_changes": ["data.theirs"]}
    stack.up(kubernetes(config_map("one", namespace, theirs="1", ours="1"), options=options))
    foreign = config_map("one", namespace, theirs="5")
    kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=someone", body=foreign)
    stack.up(kubernetes(config_map("one", namespace, theirs="1", ours="2"), options=options))
    assert data(kubectl, "one", namespace) == {"theirs": "5", "ours": "2"}


def test_objects_without_a_namespace_go_to_the_provider_s_and_move_with_it(
    stack: Stack, namespace: str, kubectl: Kubectl
) -> None:
    homeless = config_map("one", namespace, a="1")
    del homeless["metadata"]["namespace"]
    stack.provider["namespace"] = namespace
    stack.up(kubernetes(homeless))
    assert data(kubectl, "one", namespace) == {"a": "1"}
    stack.provider["namespace"] = "default"
    assert stack.preview(kubernetes(homeless)).step("configmap-one")["replaceReasons"] == ["metadata.namespace"]


def test_a_kubeconfig_may_be_given_as_its_content(stack: Stack, namespace: str, tmp_path: Path) -> None:
    path = stack.provider["kubeconfig"]
    content = subprocess.run(
        ["kubectl", f"--kubeconfig={path}", "config", "view", "--flatten", "--minify"],
        env=stack.environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    stack.provider["kubeconfig"] = {"$secret": content}
    stack.up(kubernetes(config_map("one", namespace, a="1")))
    assert "configmap-one" in stack.state()
