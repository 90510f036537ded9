"""What the pods of the stack may do, seen on the pods that run and in the API server's own log."""

import json
from typing import Any

import pytest

from tests.e2e.conftest import Platform, denied_calls

SYSTEM = {"default", "kube-system", "kube-public", "kube-node-lease", "sandbox", "client"}


@pytest.fixture
def own_namespaces(platform: Platform) -> list[dict[str, Any]]:
    namespaces = json.loads(platform.kubectl("get", "namespaces", "-o", "json"))["items"]
    return [each for each in namespaces if each["metadata"]["name"] not in SYSTEM]


@pytest.fixture
def own_pods(platform: Platform, own_namespaces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    pods = [pod for each in own_namespaces for pod in platform.pods(each["metadata"]["name"])]
    assert pods
    return pods


def test_every_namespace_of_ours_enforces_restricted_but_those_of_publishers_whose_pods_cannot(
    own_namespaces: list[dict[str, Any]],
) -> None:
    levels = {
        each["metadata"]["name"]: each["metadata"]["labels"].get("pod-security.kubernetes.io/enforce")
        for each in own_namespaces
    }
    # The reason of each exception stands beside its declaration.
    others = {name: level for name, level in levels.items() if level != "restricted"}
    assert others == {"postgres": "baseline", "postgres-operator": "baseline"}
    assert {"redis", "websites", "website-system"} <= set(levels)


def test_every_container_of_ours_has_a_read_only_root(platform: Platform, own_pods: list[dict[str, Any]]) -> None:
    for pod in own_pods:
        if pod["metadata"]["namespace"] == "postgres":
            # Made by the Zalando operator, which gives them a writable one.
            continue
        for container in pod["spec"]["containers"]:
            where = f"{pod['metadata']['namespace']}/{pod['metadata']['name']} {container['name']}"
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, where


def test_only_controllers_hold_a_token_and_each_has_its_own_account(own_pods: list[dict[str, Any]]) -> None:
    holders = {
        f"{pod['metadata']['namespace']}/{pod['spec']['serviceAccountName']}"
        for pod in own_pods
        if any("serviceAccountToken" in str(volume) for volume in pod["spec"].get("volumes", []))
    }
    assert "website-system/website-controller" in holders
    assert not {holder for holder in holders if holder.endswith("/default")}


def test_no_call_of_a_controller_was_denied(platform: Platform) -> None:
    users = {call["user"]["username"] for call in platform.calls()}
    assert "system:serviceaccount:website-system:website-controller" in users
    # Those of the other files' tests are looked at when all of them are through.
    assert denied_calls(platform) == []
