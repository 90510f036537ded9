"""Who owns which field, and what an update leaves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from plugin import Failure, Plugin
from workbench import Body, Kubectl, config_map

if TYPE_CHECKING:
    from plugin import Kept


def data(kubectl: Kubectl, namespace: str) -> Body:
    """Return the live data of the ConfigMap."""
    return kubectl("get", "configmap", "one", "-n", namespace, "-o", "json").get("data", {})


def annotated(namespace: str, annotation: str, value: str, **content: str) -> Body:
    """Return a ConfigMap with one of the plugin's annotations."""
    body = config_map("one", namespace, **content)
    body["metadata"]["annotations"] = {f"pulumi.com/{annotation}": value}
    return body


@pytest.fixture
def made(lenient: Plugin, namespace: str) -> Kept:
    """A ConfigMap that was just created."""
    return lenient.create(config_map("one", namespace, a="1", b="2"))


def test_a_field_that_leaves_the_program_leaves_the_cluster(
    lenient: Plugin, made: Kept, namespace: str, kubectl: Kubectl
) -> None:
    lenient.update(made, config_map("one", namespace, a="1"))
    assert data(kubectl, namespace) == {"a": "1"}


def test_what_other_managers_add_stays_and_what_was_added_by_hand_goes(
    lenient: Plugin, made: Kept, namespace: str, kubectl: Kubectl
) -> None:
    edit = ("patch", "configmap", "one", "-n", namespace, "--type=merge")
    kubectl(*edit, '--patch={"data": {"theirs": "x"}}', "--field-manager=someone")
    kubectl(*edit, '--patch={"data": {"by-hand": "x"}}')
    lenient.update(made, config_map("one", namespace, a="2"))
    assert data(kubectl, namespace) == {"a": "2", "theirs": "x"}


def test_what_was_edited_by_hand_is_put_back(lenient: Plugin, made: Kept, namespace: str, kubectl: Kubectl) -> None:
    updated = lenient.update(made, config_map("one", namespace, a="2"))
    kubectl("patch", "configmap", "one", "-n", namespace, '--patch={"data": {"a": "by hand"}}')
    seen = lenient.read(updated)
    assert seen is not None
    assert seen.inputs["data"] == {"a": "by hand"}
    assert lenient.update(seen, config_map("one", namespace, a="2"), preview=True).outputs["data"] == {"a": "2"}
    lenient.update(seen, config_map("one", namespace, a="2"))
    assert data(kubectl, namespace) == {"a": "2"}


def test_a_field_of_another_manager_is_taken_only_by_force(
    lenient: Plugin, made: Kept, namespace: str, kubectl: Kubectl
) -> None:
    updated = lenient.update(made, config_map("one", namespace, a="2"))
    foreign = config_map("one", namespace, a="theirs")
    kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=someone", body=foreign)
    for preview in (True, False):
        with pytest.raises(Failure, match=r'conflict with "someone".*data.a.*pulumi.com/patchForce'):
            lenient.update(updated, config_map("one", namespace, a="3"), preview=preview)
    lenient.update(updated, annotated(namespace, "patchForce", "true", a="3"))
    assert data(kubectl, namespace) == {"a": "3"}


def test_the_program_may_name_its_field_manager_and_change_it(
    lenient: Plugin, namespace: str, kubectl: Kubectl
) -> None:
    first = lenient.create(annotated(namespace, "patchFieldManager", "first", a="1", b="1"))
    lenient.update(first, annotated(namespace, "patchFieldManager", "second", a="2"))
    live = kubectl("get", "configmap", "one", "-n", namespace, "-o", "json", "--show-managed-fields")
    assert [entry["manager"] for entry in live["metadata"]["managedFields"]] == ["second"]
    assert live["data"] == {"a": "2"}


def test_ignored_fields_keep_the_value_that_others_gave_them(
    lenient: Plugin, made: Kept, namespace: str, kubectl: Kubectl
) -> None:
    foreign = config_map("one", namespace, b="theirs")
    kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=someone", body=foreign)
    lenient.update(made, config_map("one", namespace, a="2", b="2"), ignored=["data.b"])
    assert data(kubectl, namespace) == {"a": "2", "b": "theirs"}


def test_an_update_of_what_is_gone_says_so(lenient: Plugin, made: Kept, namespace: str, kubectl: Kubectl) -> None:
    kubectl("delete", "configmap", "one", "-n", namespace)
    with pytest.raises(Failure, match=f'ConfigMap "{namespace}/one" is gone; pulumi refresh'):
        lenient.update(made, config_map("one", namespace, a="2"))
    assert lenient.read(made) is None


def test_a_refused_update_keeps_the_object_with_its_live_state(lenient: Plugin, made: Kept, namespace: str) -> None:
    immutable = lenient.update(made, {**config_map("one", namespace, a="1"), "immutable": True})
    with pytest.raises(Failure, match="field is immutable") as raised:
        lenient.update(immutable, {**config_map("one", namespace, a="2"), "immutable": True})
    assert raised.value.object_id == f"{namespace}/one"
    assert raised.value.properties["data"] == {"a": "1"}


def test_an_immutable_config_map_is_replaced_even_where_they_are_mutable(
    lenient: Plugin, made: Kept, namespace: str
) -> None:
    assert not lenient.diff(made, config_map("one", namespace, a="2", b="2")).replaces
    immutable = lenient.update(made, {**config_map("one", namespace, a="1"), "immutable": True})
    changed = {**config_map("one", namespace, a="2"), "immutable": True}
    assert list(lenient.diff(immutable, changed).replaces) == ["data.a"]
