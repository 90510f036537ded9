"""The stand-in answers as the official plugin did, which official-plugin.json records."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from plugin import Failure, Kept, Plugin
from workbench import Body, Outcome, Stack, kubernetes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench import Kubectl

    from sandbox.cluster import Cluster
    from sandbox.toolchain import Toolchain

RECORDED: Body = json.loads((Path(__file__).parent / "official-plugin.json").read_text())
CASES: dict[str, Body] = {case["case"]: case for case in RECORDED["cases"]}
FAILING = {name: case for name, case in CASES.items() if case["preview"]["op"] == "error"}
PASSING = {name: case for name, case in CASES.items() if name not in FAILING}
GROUP = "conformance.example.com"
"""Stands for the recorded extensions.example.com, whose definition in this project is stricter."""
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"websites.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": "websites", "singular": "website", "kind": "Website", "listKind": "WebsiteList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {"spec": {"type": "object", "properties": {"gitRepo": {"type": "string"}}}},
                    }
                },
            }
        ],
    },
}


def entry(name: str, moment: str) -> Body:
    """Return the plan's entry for a recorded object, before or after its edit."""
    body = json.loads(json.dumps(CASES[name][moment]).replace("extensions.example.com", GROUP))
    return kubernetes(body, name.replace("/", "-"))


def edited(names: set[str]) -> list[Body]:
    """Return all recorded objects, those of the given names after their edit."""
    return [entry(name, "after" if name in names else "before") for name in CASES]


def answered(outcome: Outcome, name: str) -> Body:
    """Return the preview's step for a case in the form of the record."""
    step = outcome.step(name.replace("/", "-"))
    found = {"op": step["op"]}
    if step.get("replaceReasons"):
        found["replaceKeys"] = sorted(step["replaceReasons"])
    if step.get("detailedDiff"):
        found["detailedDiff"] = {path: change["kind"] for path, change in step["detailedDiff"].items()}
    return found


@pytest.fixture(scope="module")
def applied(
    tmp_path_factory: pytest.TempPathFactory, cluster: Cluster, toolchain: Toolchain, kubectl: Kubectl
) -> Iterator[Stack]:
    """A stack whose cluster and state hold all recorded objects as they were before the edits."""
    kubectl("apply", body=DEFINITION)
    for namespace in ("conf", "conf2"):
        kubectl("create", "namespace", namespace)
        kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={namespace}")
    stack = Stack.make(tmp_path_factory.mktemp("conf"), toolchain.bin, cluster.kubeconfig, cluster.context)
    stack.up(*edited(set()))
    yield stack
    stack.destroy()
    kubectl("delete", "namespace", "conf", "conf2", "--wait=false")
    kubectl("delete", "crd", f"websites.{GROUP}")


@pytest.fixture(scope="module")
def state(applied: Stack) -> dict[str, Body]:
    """What the engine keeps of the recorded objects."""
    return applied.state()


@pytest.fixture(scope="module")
def preview(applied: Stack) -> Outcome:
    """The preview of all edits that the API server accepts."""
    return applied.preview(*edited(set(PASSING)))


@pytest.fixture(scope="module")
def preview_mutable(applied: Stack) -> Outcome:
    """The same, with ConfigMaps and Secrets declared mutable."""
    switches = {"enableConfigMapMutable": "true", "enableSecretMutable": "true"}
    mutable = Stack(applied.folder, applied.environment, {**applied.provider, **switches})
    return mutable.preview(*edited(set(PASSING)))


@pytest.mark.parametrize("name", PASSING)
def test_an_edit_has_the_recorded_operation_replacement_and_diff(preview: Outcome, name: str) -> None:
    assert answered(preview, name) == CASES[name]["preview"]


@pytest.mark.parametrize("name", PASSING)
def test_an_edit_of_what_is_mutable_has_the_recorded_answer(preview_mutable: Outcome, name: str) -> None:
    assert answered(preview_mutable, name) == CASES[name].get("preview_mutable", CASES[name]["preview"])


@pytest.mark.parametrize("name", FAILING)
def test_an_edit_that_the_api_server_refuses_fails_with_the_recorded_reason(
    applied: Stack, state: dict[str, Body], plugin: Plugin, name: str
) -> None:
    resource = state[name.replace("/", "-")]
    kept = Kept(resource["urn"], resource["type"], resource["id"], resource["inputs"], resource["outputs"])
    with pytest.raises(Failure) as raised:
        plugin.update(kept, entry(name, "after")["properties"], preview=True)
    recorded = CASES[name]["preview"]["message"].partition("* ")[2]
    assert raised.value.message.startswith(recorded)


def test_a_refused_edit_fails_the_preview_with_the_recorded_message(applied: Stack) -> None:
    name = "deployment/strategy"
    outcome = applied.preview(*edited({name}), fails=True)
    recorded = CASES[name]["preview"]["message"]
    assert [message for message in outcome.messages if message.startswith(recorded)]


def test_nothing_changes_when_nothing_was_edited(applied: Stack) -> None:
    outcome = applied.preview(*edited(set()))
    assert outcome.operations == {}
    assert outcome.summary == {"same": len(CASES) + 2}
