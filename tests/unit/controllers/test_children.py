import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightkube.models.meta_v1 import ObjectMeta, OwnerReference
from lightkube.resources.core_v1 import Service

from controllers.runtime.children import ForeignObjectError, covers, refuse_foreign
from controllers.runtime.keys import Key, key_of_controlling, own_key

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
NAMES = st.text("abcdef", min_size=1, max_size=3)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.dictionaries(NAMES, inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=12,
)


def with_additions(value):
    """What a server makes of a document: further fields in every object."""
    if isinstance(value, dict):
        return {**{k: with_additions(v) for k, v in value.items()}, "defaulted by the server": 1}
    return [with_additions(v) for v in value] if isinstance(value, list) else value


@given(DOCUMENTS)
def test_what_the_server_adds_is_no_difference(desired):
    assert covers(with_additions(desired), desired)


@given(st.dictionaries(NAMES, SCALARS, min_size=1), st.data())
def test_a_field_that_is_changed_or_gone_is_a_difference(desired, data):
    field = data.draw(st.sampled_from(sorted(desired)))
    assert not covers({**desired, field: "changed by hand"}, desired)
    assert not covers({k: v for k, v in desired.items() if k != field}, desired)


def test_an_entry_that_another_owner_adds_to_a_list_is_no_difference():
    ours = {"name": "http", "port": 80}
    assert covers([{"name": "injected", "port": 1}, {**ours, "nodePort": 30000}], [ours])
    assert not covers([{"name": "http", "port": 81}], [ours])


def test_a_list_of_plain_values_must_be_equal():
    assert not covers(["--repo=a", "--extra"], ["--repo=a"])
    assert not covers(["--extra", "--repo=a"], ["--repo=a", "--extra"])
    assert not covers("text", ["text"])


def owned_service(*owners):
    references = [
        OwnerReference(apiVersion="v1", kind=kind, name=name, uid=uid, controller=controller)
        for kind, name, uid, controller in owners
    ]
    return Service(metadata=ObjectMeta(name="kubia-website", namespace="websites", ownerReferences=references))


OURS = owned_service(("Website", "kubia", "uid-1", True))


def test_an_object_of_ours_is_fine():
    refuse_foreign(OURS, OURS)
    refuse_foreign(owned_service(("Team", "web", "x", None), ("Website", "kubia", "uid-1", True)), OURS)


@pytest.mark.parametrize(
    ("service", "words"),
    [
        (owned_service(), "Service websites/kubia-website already exists and has no such owner"),
        (owned_service(("Website", "kubia", "uid-1", None)), "has no such owner"),
        (owned_service(("Website", "kubia", "uid-0", True)), "belongs to Website kubia"),
        (owned_service(("ConfigMap", "other", "uid-2", True)), "belongs to ConfigMap other"),
    ],
)
def test_a_foreign_object_is_refused_by_name_and_owner(service, words):
    with pytest.raises(ForeignObjectError, match=words):
        refuse_foreign(service, OURS)


def child(labels=None, owners=()):
    references = [OwnerReference(apiVersion="v1", uid="uid", **owner) for owner in owners]
    return ObjectMeta(name="kubia-website", namespace="websites", labels=labels, ownerReferences=references)


WEBSITE = {"kind": "Website", "name": "kubia", "controller": True}
key_of = key_of_controlling("Website", "instance")


def test_a_child_leads_to_the_object_that_controls_it():
    assert key_of(child(owners=[{"kind": "Team", "name": "web"}, WEBSITE])) == Key("websites", "kubia")
    assert key_of(child({"instance": "other"}, [WEBSITE])) == Key("websites", "kubia")


def test_a_child_that_lost_its_owner_leads_to_the_object_in_its_label():
    assert key_of(child({"instance": "kubia"})) == Key("websites", "kubia")


def test_an_object_of_nobody_leads_nowhere():
    assert key_of(child()) is None
    assert key_of(child(owners=[{**WEBSITE, "kind": "ReplicaSet"}])) is None
    assert key_of(child(owners=[{**WEBSITE, "controller": False}])) is None


def test_an_object_is_its_own_key():
    assert own_key(child()) == Key("websites", "kubia-website")
    assert str(own_key(child())) == "websites/kubia-website"
    assert str(own_key(ObjectMeta(name="default"))) == "default"
