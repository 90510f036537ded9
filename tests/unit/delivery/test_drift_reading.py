"""What a refresh found, and who wrote it, as the API server keeps it."""

import json
from typing import Any

import pytest

from delivery.drift import as_document, as_lines, drift
from delivery.errors import DeliveryError
from delivery.managed_fields import managers_of
from tests.unit.delivery.previews import an_object, step

MANAGED = [
    {
        "manager": "pulumi", "operation": "Apply", "time": "2026-01-01T00:00:00Z",
        "fieldsV1": {"f:spec": {
            "f:replicas": {},
            "f:template": {"f:spec": {"f:containers": {'k:{"name":"main"}': {".": {}, "f:image": {}, "f:args": {}}}}},
        }},
    },
    {
        "manager": "kubectl-set", "operation": "Update", "time": "2026-02-01T00:00:00Z",
        "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"main"}': {"f:image": {}}}}}}},
    },
    {
        "manager": "hpa", "operation": "Update", "subresource": "scale",
        "fieldsV1": {"f:spec": {"f:replicas": {}}},
    },
    {"manager": "status-writer", "operation": "Update", "fieldsV1": {"f:status": {"f:replicas": {}}}},
]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (("spec", "replicas"), ["hpa", "pulumi"]),
        (("spec", "template", "spec", "containers", "[main]", "image"), ["kubectl-set", "pulumi"]),
        (("spec", "template", "spec", "containers", "[main]", "args", "[0]"), ["pulumi"]),
        (("spec", "template", "spec", "containers", "[other]", "image"), []),
        (("spec", "paused"), []),
        (("spec", "template"), ["kubectl-set", "pulumi"]),
    ],
)
def test_a_field_has_the_managers_that_own_it_the_latest_first(path: tuple[str, ...], names: list[str]) -> None:
    assert [manager.name for manager in managers_of(MANAGED, path)] == names


def test_a_manager_says_when_and_by_which_way_it_wrote() -> None:
    by_scale, applied = managers_of(MANAGED, ("spec", "replicas"))
    assert (str(by_scale), str(applied)) == ("hpa (Update of scale)", "pulumi (Apply), 2026-01-01T00:00:00Z")


def refreshed(op: str, old: dict[str, Any], new: dict[str, Any] | None, **more: Any) -> tuple[str, str]:
    made = step(op, old, new, **more)
    for side in ("oldState", "newState"):
        if side in made:
            made[side]["outputs"] = made[side]["inputs"]
    return json.dumps({"steps": [made]}), made["urn"]


def test_drift_names_field_values_and_writer_and_leaves_out_what_the_server_writes() -> None:
    old = an_object("apps/v1/Deployment", {"replicas": 3}, status={"replicas": 3})
    new = an_object("apps/v1/Deployment", {"replicas": 5}, status={"replicas": 5})
    new["metadata"] = {**new["metadata"], "resourceVersion": "9", "generation": 4}
    text, urn = refreshed("update", old, new)
    found = drift(text, {urn: MANAGED})
    (resource,) = as_document(found)
    assert [(f["path"], f["declared"], f["found"]) for f in resource["fields"]] == [("spec.replicas", 3, 5)]
    assert "| <code>3</code> | <code>5</code> | <code>hpa (Update of scale);" in "\n".join(as_lines(found))


def test_a_deleted_object_is_drift() -> None:
    text, _ = refreshed("delete", an_object("v1/ConfigMap"), None)
    assert "Somebody deleted it." in "\n".join(as_lines(drift(text, {})))


def test_a_changed_secret_is_drift_without_its_value() -> None:
    old, new = (an_object("v1/Secret", data={"password": value}) for value in ("aGlkZGVu", "b3RoZXI="))
    text, _ = refreshed("update", old, new)
    shown = "\n".join(as_lines(drift(text, {})))
    assert "data.password" in shown
    assert "aGlkZGVu" not in shown + json.dumps(as_document(drift(text, {})))
    assert "b3RoZXI=" not in shown


def test_nothing_to_refresh_is_no_drift() -> None:
    assert drift(json.dumps({"steps": []}), {}) == []
    with pytest.raises(DeliveryError, match="refresh"):
        drift("error: no stack selected", {})
    with pytest.raises(DeliveryError, match="cluster is away"):
        drift(json.dumps({"steps": [], "diagnostics": [{"severity": "error", "message": "cluster is away"}]}), {})
