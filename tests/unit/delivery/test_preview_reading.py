"""What is read from a preview, and what of it is masked."""

import json

import pytest

from delivery.document import document
from delivery.errors import DeliveryError
from delivery.preview import read
from tests.unit.delivery.previews import an_object, preview, step

SECRET = "hunter2-of-the-test"


def test_no_secret_is_shown_whoever_failed_to_mark_it() -> None:
    def versions(secret: str) -> list[dict[str, object]]:
        container = {
            "name": "main",
            "env": [{"name": "DB_PASSWORD", "value": secret}, {"name": "apiKey", "value": secret}],
            "args": [f"postgres://user:{secret}@host/db"],
        }
        return [
            an_object("v1/Secret", data={"key": secret}, stringData={"password": secret}),
            an_object("apps/v1/Deployment", {"template": {"spec": {"containers": [container]}}}),
            an_object("v1/ConfigMap", data={"redis.password": secret, "token": secret, "url": f"//u:{secret}@h"}),
            an_object("example.com/v1/Thing", {"auth": {"password": secret, "clientToken": secret}}),
        ]

    steps = [step("update", old, new) for old, new in zip(versions(SECRET), versions(f"new-{SECRET}"), strict=True)]
    report = document(read(preview(*steps)))
    assert SECRET not in json.dumps(report)
    assert [len(resource["fields"]) for resource in report["resources"]] == [2, 3, 3, 2]


def test_the_name_of_a_secret_is_no_secret() -> None:
    old, new = (an_object("example.com/v1/Thing", {"passwordSecret": name}) for name in ("one", "two"))
    (resource,) = document(read(preview(step("update", old, new))))["resources"]
    assert [(field.get("before"), field.get("after")) for field in resource["fields"]] == [("one", "two")]


def test_a_changed_secret_shows_its_field_and_not_its_value() -> None:
    old, new = (an_object("v1/Secret", stringData="[secret]") for _ in range(2))
    noise = {"data": {"kind": "delete"}, "stringData": {"kind": "add"}}
    (resource,) = document(read(preview(step("update", old, new, detailedDiff=noise))))["resources"]
    assert [(field["path"], field.get("before"), field.get("after")) for field in resource["fields"]] == [
        ("stringData", "[secret]", "[secret]")
    ]


def test_what_only_the_plugin_or_the_engine_writes_is_no_change() -> None:
    old = an_object("v1/ConfigMap", data={"a": "1"}, __fieldManager="one")
    new = an_object("v1/ConfigMap", data={"a": "2"}, __fieldManager="two")
    refreshed = step("refresh", old, new)
    (resource,) = document(read(preview(refreshed, step("update", old, new))))["resources"]
    assert [field["path"] for field in resource["fields"]] == ["data.a"]


def test_an_empty_list_is_as_good_as_none_where_the_api_server_keeps_neither() -> None:
    def fields(kind: str) -> list[str]:
        old, new = an_object(kind, {"replicas": 2}), an_object(kind, {"replicas": 3, "volumes": [], "emptyDir": {}})
        (resource,) = document(read(preview(step("update", old, new))))["resources"]
        return [field["path"] for field in resource["fields"]]

    assert sorted(fields("apps/v1/Deployment")) == ["spec.emptyDir", "spec.replicas"]
    assert sorted(fields("example.com/v1/Thing")) == ["spec.emptyDir", "spec.replicas", "spec.volumes"]


def test_the_several_steps_of_a_replacement_are_one_change() -> None:
    old, new = (an_object("storage.k8s.io/v1/StorageClass", parameters={"a": value}) for value in ("1", "2"))
    reasons = {"replaceReasons": ["parameters.a"]}
    steps = [step(op, old, new, **reasons) for op in ("create-replacement", "delete-replaced", "replace")]
    (resource,) = document(read(preview(*steps)))["resources"]
    assert (resource["operation"], resource["fields"][0]["reason"]) == ("replace", "Forces the replacement.")


def test_what_is_computed_during_the_update_is_called_so() -> None:
    old = an_object("v1/ConfigMap", data={"a": "1"})
    new = an_object("v1/ConfigMap", data={"a": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"})
    (resource,) = document(read(preview(step("update", old, new))))["resources"]
    assert resource["fields"][0].get("after") == "[known after the update]"


@pytest.mark.parametrize("text", ["", "error: no stack", "[]", "{}"])
def test_what_is_no_preview_is_refused(text: str) -> None:
    with pytest.raises(DeliveryError, match="pulumi preview --json"):
        read(text)


def test_a_preview_that_failed_is_refused_in_its_own_words() -> None:
    failed = {"severity": "error", "message": "error: Preview failed: Calico can't change a pool"}
    with pytest.raises(DeliveryError, match="Calico can't change a pool"):
        read(preview(diagnostics=[failed]))


def test_a_preview_with_steps_of_an_unknown_kind_is_refused() -> None:
    strange = {**step("update", an_object("v1/ConfigMap"), an_object("v1/ConfigMap")), "op": "transmogrify"}
    with pytest.raises(DeliveryError, match="transmogrify"):
        read(preview(strange))
