"""Names, namespaces, existing objects, and what can't be created."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest
from plugin import Failure, Plugin
from workbench import Body, Kubectl, config_map, definition, token

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUP = "creation.example.com"


@pytest.fixture(scope="module")
def widgets(kubectl: Kubectl) -> Iterator[str]:
    """A kind whose spec knows the field `text` only; its apiVersion."""
    kubectl("apply", body=definition(GROUP, "Widget"))
    kubectl("wait", "--for=condition=Established", f"crd/widgets.{GROUP}")
    yield f"{GROUP}/v1"
    kubectl("delete", "crd", f"widgets.{GROUP}")


def deployment(namespace: str, **extra: object) -> Body:
    """Return a Deployment with further fields in its container."""
    pod = {"containers": [{"name": "c", "image": "nginx:1", **extra}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "one", "namespace": namespace, "annotations": {"pulumi.com/skipAwait": "true"}},
        "spec": {
            "selector": {"matchLabels": {"app": "x"}},
            "template": {"metadata": {"labels": {"app": "x"}}, "spec": pod},
        },
    }


def test_creating_what_exists_already_is_an_error(
    plugin: Plugin, settings: Body, namespace: str, kubectl: Kubectl
) -> None:
    kubectl("create", "configmap", "one", "-n", namespace, "--from-literal=a=theirs")
    ours = config_map("one", namespace, a="ours")
    assert plugin.create(ours, preview=True).outputs["data"] == {"a": "ours"}
    with pytest.raises(Failure, match=rf'ConfigMap "{namespace}/one" already exists'):
        plugin.create(ours)
    assert kubectl("get", "configmap", "one", "-n", namespace, "-o", "jsonpath={.data.a}") == "theirs"
    with Plugin("kubernetes", {**settings, "upsertExistingObjects": "true", "enablePatchForce": "true"}) as upserting:
        upserting.create(ours)
    assert kubectl("get", "configmap", "one", "-n", namespace, "-o", "jsonpath={.data.a}") == "ours"


def test_a_creation_waits_for_its_predecessor_of_the_same_name_to_be_gone(
    plugin: Plugin, namespace: str, kubectl: Kubectl
) -> None:
    held = config_map("one", namespace, a="1")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    plugin.create(held)
    kubectl("delete", "configmap", "one", "-n", namespace, "--wait=false")
    with pytest.raises(Failure, match=r"example\.com/hold"):
        plugin.create(config_map("one", namespace, a="2"), seconds=0.5)
    kubectl("patch", "configmap", "one", "-n", namespace, "--type=merge", '--patch={"metadata":{"finalizers":null}}')
    assert plugin.create(config_map("one", namespace, a="2")).outputs["data"] == {"a": "2"}


def test_an_object_without_a_name_gets_one_and_keeps_it_until_it_is_replaced(plugin: Plugin, namespace: str) -> None:
    unnamed = config_map("", namespace, a="1")
    del unnamed["metadata"]["name"]
    made = plugin.create(unnamed)
    name = made.inputs["metadata"]["name"]
    assert name.startswith("one-")
    labelled = copy.deepcopy(unnamed)
    labelled["metadata"]["labels"] = {"a": "b"}
    assert plugin.update(made, labelled).outputs["metadata"]["name"] == name
    answer = plugin.diff(made, config_map("", namespace, a="2") | {"metadata": {"namespace": namespace}})
    assert list(answer.replaces) == ["data.a"]
    assert not answer.deleteBeforeReplace


def test_a_fixed_name_makes_a_replacement_delete_first(plugin: Plugin, namespace: str) -> None:
    made = plugin.create(config_map("one", namespace, a="1"))
    assert plugin.diff(made, config_map("one", namespace, a="2")).deleteBeforeReplace
    assert not plugin.diff(made, config_map("two", namespace, a="1")).deleteBeforeReplace


def test_objects_without_a_namespace_go_to_the_provider_s_and_move_with_it(settings: Body, namespace: str) -> None:
    homeless = config_map("one", namespace, a="1")
    del homeless["metadata"]["namespace"]
    with Plugin("kubernetes", {**settings, "namespace": namespace}) as first:
        made = first.create(homeless)
    assert made.object_id == f"{namespace}/one"
    with Plugin("kubernetes", {**settings, "namespace": "default"}) as second:
        assert list(second.diff(made, homeless).replaces) == ["metadata.namespace"]


def test_naming_the_default_namespace_is_no_change(plugin: Plugin) -> None:
    named = config_map("provider-default-namespace", "default", a="1")
    made = plugin.create(named)
    homeless = copy.deepcopy(named)
    del homeless["metadata"]["namespace"]
    assert not plugin.diff(made, homeless).detailedDiff
    plugin.delete(made)


def test_a_preview_of_a_creation_shows_what_the_server_would_fill_in(plugin: Plugin, namespace: str) -> None:
    previewed = plugin.create(deployment(namespace), preview=True)
    assert previewed.outputs["spec"]["replicas"] == 1
    assert "status" not in previewed.outputs
    assert previewed.object_id == ""


@pytest.mark.parametrize("preview", [True, False])
def test_an_unknown_field_is_refused_with_its_path(plugin: Plugin, namespace: str, *, preview: bool) -> None:
    with pytest.raises(Failure, match=r'unknown field "spec\.template\.spec\.containers\[0\]\.imagee"'):
        plugin.create(deployment(namespace, imagee="nginx"), preview=preview)


@pytest.mark.parametrize("preview", [True, False])
def test_an_unknown_field_of_a_custom_resource_is_refused_with_its_path(
    plugin: Plugin, namespace: str, widgets: str, *, preview: bool
) -> None:
    widget = {"apiVersion": widgets, "kind": "Widget", "metadata": {"name": "one", "namespace": namespace}}
    with pytest.raises(Failure, match=r'unknown field "spec\.txet"'):
        plugin.create({**widget, "spec": {"txet": "a"}}, preview=preview)
    made = plugin.create({**widget, "spec": {"text": "a"}})
    with pytest.raises(Failure, match=r"\.spec\.txet"):
        plugin.update(made, {**widget, "spec": {"text": "a", "txet": "b"}}, preview=preview)


def test_a_wrong_value_is_refused_with_its_path_and_reason(plugin: Plugin, namespace: str) -> None:
    wrong = deployment(namespace)
    wrong["spec"]["replicas"] = -1
    with pytest.raises(Failure, match=r'Deployment\.apps "one" is invalid: spec\.replicas: Invalid value: -1'):
        plugin.create(wrong, preview=True)


def test_a_kind_that_nothing_serves_passes_a_preview_but_not_an_update(settings: Body, namespace: str) -> None:
    nothing = {"apiVersion": "no.example.com/v1", "kind": "Thing", "metadata": {"name": "a", "namespace": namespace}}
    with Plugin("kubernetes", settings) as plugin:
        assert plugin.create(nothing, preview=True).outputs["kind"] == "Thing"
        plugin.cancel()  # instead of waiting for a definition that may just have been made
        with pytest.raises(Failure, match=r'no matches for kind "Thing" in version "no\.example\.com/v1"'):
            plugin.create(nothing)


def test_a_missing_namespace_passes_a_preview(plugin: Plugin) -> None:
    assert plugin.create(config_map("one", "not-yet", a="1"), preview=True).outputs["data"] == {"a": "1"}


@pytest.mark.parametrize(
    "kind",
    [
        "kubernetes:helm.sh/v3:Release",
        "kubernetes:yaml/v2:ConfigGroup",
        "kubernetes:kustomize/v2:Directory",
        "kubernetes:core/v1:ConfigMapPatch",
    ],
)
def test_what_only_the_official_plugin_can_do_is_refused_by_name(plugin: Plugin, namespace: str, kind: str) -> None:
    with pytest.raises(Failure, match="install the official plugin") as raised:
        plugin.check(kind, "one", config_map("one", namespace))
    assert kind in raised.value.message


def test_functions_and_components_are_refused_by_name(plugin: Plugin) -> None:
    with pytest.raises(Failure, match=r"kubernetes:yaml:decode isn't supported.*install the official plugin"):
        plugin.invoke("kubernetes:yaml:decode")
    with pytest.raises(
        Failure, match=r"kubernetes:kustomize/v2:Directory isn't supported.*install the official plugin"
    ):
        plugin.construct("kubernetes:kustomize/v2:Directory")


def test_generated_names_of_the_server_are_refused(plugin: Plugin, namespace: str) -> None:
    with pytest.raises(Failure, match=r"metadata\.generateName"):
        plugin.check(token(config_map("", "")), "one", {"metadata": {"generateName": "a-", "namespace": namespace}})


@pytest.mark.parametrize(
    ("annotation", "value"),
    [("timeoutSeconds", "soon"), ("deletionPropagationPolicy", "sideways")],
)
def test_a_wrong_annotation_is_refused_with_what_is_allowed(
    plugin: Plugin, namespace: str, annotation: str, value: str
) -> None:
    body = config_map("one", namespace)
    body["metadata"]["annotations"] = {f"pulumi.com/{annotation}": value}
    with pytest.raises(Failure, match=f"pulumi.com/{annotation} is '{value}', must be"):
        plugin.create(body)
