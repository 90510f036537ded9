"""What of preflight needs no cluster: its names, the rights that it asks for, and how fields are looked up in a CRD."""

import os
from pathlib import Path
from typing import Any, get_args

import pytest

from components.cluster import ClusterSettings
from components.preflight import rights
from components.preflight.checks import CHECKS, OWNER, REACHABLE
from components.preflight.crds import unknown_paths
from components.preflight.live import LiveCluster, UnreachableError
from components.preflight.settings import CheckName
from tests.unit.declared import declare, everything

SCHEMA: dict[str, Any] = {
    "properties": {
        "spec": {
            "properties": {
                "size": {"type": "string"},
                "mode": {"enum": ["IPIP", "VXLAN"]},
                "pools": {"items": {"properties": {"cidr": {"type": "string"}}}},
                "labels": {"additionalProperties": {"type": "string"}},
                "free": {"x-kubernetes-preserve-unknown-fields": True},
            }
        }
    }
}


def test_every_check_can_be_skipped_by_its_name() -> None:
    assert {REACHABLE, OWNER, *CHECKS} == set(get_args(CheckName))


@pytest.mark.parametrize(
    ("spec", "unknown"),
    [
        ({"size": "1Gi", "mode": "IPIP", "pools": [{"cidr": "10.0.0.0/8"}], "labels": {"a": "b"}}, []),
        ({"sise": "1Gi"}, ["spec.sise"]),
        ({"pools": [{"cidr": "10.0.0.0/8"}, {"cird": "10.0.0.0/8"}]}, ["spec.pools[1].cird"]),
        ({"mode": "GRE"}, ["spec.mode = 'GRE'"]),
        ({"free": {"whatever": [1]}}, []),
    ],
    ids=["all known", "a field", "a field in a list", "a value", "a free part"],
)
def test_what_a_crd_does_not_know_is_found(spec: dict[str, Any], unknown: list[str]) -> None:
    assert list(unknown_paths(SCHEMA, {"spec": spec})) == unknown


def _kind(resource_inputs: Any) -> str:
    group, _, _ = resource_inputs["apiVersion"].rpartition("/")
    name = resource_inputs["kind"].lower()
    return f"{group}/{name[:-1]}ies" if name.endswith("y") else f"{group}/{name}{'es' if name.endswith('s') else 's'}"


def test_the_rights_that_are_asked_for_are_those_of_the_kinds_that_are_declared() -> None:
    asked = {*rights.EVERYWHERE, *(kind for kinds in rights.KINDS.values() for kind in kinds)}
    declared = {_kind(resource.inputs) for resource in declare(everything()).objects()}
    assert declared == asked


KUBECONFIG = """
apiVersion: v1
kind: Config
clusters: [{{name: one, cluster: {{server: "https://{context}.example.com"}}}}]
users: [{{name: me, user: {{token: secret}}}}]
contexts: [{{name: {context}, context: {{cluster: one, user: me}}}}]
"""


def test_a_context_is_found_in_any_of_several_kubeconfigs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [tmp_path / context for context in ("staging", "prod")]
    for file in files:
        file.write_text(KUBECONFIG.format(context=file.name))
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, [tmp_path / "missing", *files])))
    LiveCluster(ClusterSettings(context="prod")).__exit__()
    with pytest.raises(UnreachableError, match=r"context = 'dev': allowed are the contexts of .*: prod, staging$"):
        LiveCluster(ClusterSettings(context="dev"))
    with pytest.raises(UnreachableError, match=r"can't be used: Configuration file .*missing not found"):
        LiveCluster(ClusterSettings(context="dev", kubeconfig=str(tmp_path / "missing")))
