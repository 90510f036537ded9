import msgspec
import pytest
from lightkube.models.core_v1 import ServiceSpec
from lightkube.models.meta_v1 import ManagedFieldsEntry, ObjectMeta
from lightkube.resources.core_v1 import Service

from controllers.runtime.controller import Watch
from controllers.runtime.keys import Key
from controllers.runtime.store import Store, metadata_of


def service(name="kubia", version=1, **spec):
    metadata = ObjectMeta(name=name, namespace="websites", resourceVersion=str(version))
    return Service(metadata=metadata, spec=ServiceSpec(**spec))


@pytest.fixture
def store():
    return Store(Service, index=lambda s: s.spec and s.spec.type)


def test_an_object_is_found_by_its_key_and_its_index(store):
    made = service(type="NodePort")
    assert store.put(made) == [made]
    assert store.get(Key("websites", "kubia")) == made
    assert store.indexed("NodePort") == [made]
    assert store.indexed("ClusterIP") == []
    assert list(store) == [Key("websites", "kubia")]


def test_a_change_concerns_the_object_as_it_was_and_as_it_is(store):
    old, new = service(version=1, type="NodePort"), service(version=2, type="ClusterIP")
    store.put(old)
    assert store.put(new) == [old, new]
    assert store.indexed("NodePort") == []
    assert store.indexed("ClusterIP") == [new]


def test_an_event_that_is_older_than_what_a_write_returned_is_no_news(store):
    store.put(service(version=1))
    store.refresh(service(version=3, type="NodePort"))
    assert store.put(service(version=2)) == []
    assert store.indexed("NodePort") == [service(version=3, type="NodePort")]


def test_what_a_write_returned_does_not_bring_a_deleted_object_back(store):
    store.put(service(version=1))
    store.drop(Key("websites", "kubia"))
    store.refresh(service(version=2))
    assert list(store) == []


def test_a_listing_wins_over_newer_versions_since_an_etcd_may_be_restored(store):
    store.put(service(version=9, type="NodePort"))
    assert store.put(service(version=3, type="ClusterIP"), force=True)
    assert store.indexed("ClusterIP") == [service(version=3, type="ClusterIP")]


def test_dropping_what_is_not_there_returns_nothing(store):
    assert store.drop(Key("websites", "kubia")) is None


def test_managed_fields_are_not_kept(store):
    written = service(version=2)
    raw = {"metadata": {"name": "kubia", "namespace": "websites", "managedFields": [{"manager": "kubectl"}]}}
    assert metadata_of(store.decode(msgspec.json.encode(raw))).managedFields is None
    metadata_of(written).managedFields = [ManagedFieldsEntry(manager="kubectl")]
    store.put(service(version=1))
    store.refresh(written)
    assert metadata_of(store.get(Key("websites", "kubia"))).managedFields is None


def test_a_change_of_what_is_not_kept_is_no_news():
    kept = Store(Service, keep=lambda s: service(metadata_of(s).name or ""))
    assert kept.put(service(version=1, type="NodePort"))
    assert kept.put(service(version=2, type="ClusterIP")) == []


def test_peers_of_one_index_value_get_a_turn_with_each_other(store):
    watch = Watch(Service, index=lambda s: s.spec and s.spec.type)
    one, two = service("one", type="NodePort"), service("two", type="NodePort")
    store.put(one)
    store.put(two)
    assert {*watch.keys(one, store)} == {Key("websites", "one"), Key("websites", "two")}
    assert {*watch.keys(service("three"), store)} == {Key("websites", "three")}


def test_what_was_created_is_there_before_its_event(store):
    store.expect(Key("websites", "kubia"))
    store.take_created(service(version=3, type="NodePort"))
    assert store.get(Key("websites", "kubia")) == service(version=3, type="NodePort")
    assert store.put(service(version=3, type="NodePort")) == []


def test_what_was_deleted_again_before_the_answer_to_its_creation_does_not_come_back(store):
    store.expect(Key("websites", "kubia"))
    store.put(service(version=3))
    store.drop(Key("websites", "kubia"))
    store.take_created(service(version=3))
    assert list(store) == []


def test_what_was_refused_is_not_expected_any_more(store):
    store.expect(Key("websites", "kubia"))
    store.expect_no_longer(Key("websites", "kubia"))
    store.take_created(service(version=3))
    assert list(store) == []
