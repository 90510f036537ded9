"""Taking over objects that no program has declared yet."""

from __future__ import annotations

from plugin import Kept, Plugin
from workbench import Body, Kubectl, Stack, config_map, kubernetes


def test_an_object_is_taken_over_by_the_program_that_declares_it(
    stack: Stack, namespace: str, kubectl: Kubectl
) -> None:
    kubectl("create", body=config_map("one", namespace, a="1"))
    uid = kubectl("get", "configmap", "one", "-n", namespace, "-o", "jsonpath={.metadata.uid}")
    declared = config_map("one", namespace, a="1")
    entry = kubernetes(declared, "one", options={"import_": f"{namespace}/one"})
    assert stack.preview(entry).operations["one"] == "import"
    stack.up(entry)
    assert stack.state()["one"]["outputs"]["metadata"]["uid"] == uid
    assert stack.preview(kubernetes(declared, "one"), refresh=True).operations == {}


def test_what_differs_from_the_program_is_not_taken_over(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    kubectl("create", body=config_map("one", namespace, a="theirs"))
    entry = kubernetes(config_map("one", namespace, a="1"), "one", options={"import_": f"{namespace}/one"})
    outcome = stack.up(entry, fails=True)
    assert "data" in outcome.output
    assert kubectl("get", "configmap", "one", "-n", namespace, "-o", "jsonpath={.data.a}") == "theirs"


def test_the_inputs_of_an_import_leave_out_what_only_the_server_writes(
    plugin: Plugin, namespace: str, kubectl: Kubectl
) -> None:
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": "nginx:1"}]}}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "one", "namespace": namespace},
        "spec": {"selector": {"matchLabels": {"app": "x"}}, "template": template},
    }
    kubectl("create", body=deployment)
    kubectl("rollout", "status", "deployment/one", "-n", namespace)
    found = plugin.read(Kept("urn", "kubernetes:apps/v1:Deployment", f"{namespace}/one", {}, {}))
    assert found is not None
    assert found.inputs.keys() == {"apiVersion", "kind", "metadata", "spec"}
    assert found.inputs["metadata"] == {"name": "one", "namespace": namespace, "annotations": {}}
    assert found.outputs["status"]["readyReplicas"] == 1
    assert "managedFields" not in found.outputs["metadata"]


def test_importing_what_is_not_there_finds_nothing(plugin: Plugin, namespace: str) -> None:
    missing: list[tuple[str, Body]] = [("kubernetes:core/v1:ConfigMap", {}), ("kubernetes:no.example.com/v1:Thing", {})]
    for kind, nothing in missing:
        assert plugin.read(Kept("urn", kind, f"{namespace}/none", nothing, nothing)) is None
