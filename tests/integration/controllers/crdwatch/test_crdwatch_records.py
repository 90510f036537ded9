"""What crdwatch logs of Samples, on a real API server, and what it may do there."""

import copy
import re
import secrets
import signal
from contextlib import suppress
from typing import Any

import pytest
from crdwatch_harness import until
from lightkube import ApiError, codecs
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.authorization_v1 import ResourceAttributes, SubjectAccessReviewSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.models.rbac_v1 import PolicyRule, RoleRef, Subject
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition
from lightkube.resources.authorization_v1 import SubjectAccessReview
from lightkube.resources.rbac_authorization_v1 import Role, RoleBinding
from lightkube.types import CascadeType, PatchType
from website_harness import eventually


def test_what_happens_to_samples_is_logged_in_order(lab):
    lab.create("somedata", 123)
    lab.start()
    lab.wait_told(("added", "somedata", 123))
    lab.change("somedata", 124)
    lab.create("other", 1)
    lab.delete("somedata")
    lab.wait_told(
        ("added", "somedata", 123), ("modified", "somedata", 124), ("added", "other", 1), ("deleted", "somedata", 124)
    )


def test_a_record_has_time_type_and_the_object_without_its_bookkeeping(lab):
    lab.create("somedata", 123)
    lab.start()
    lab.wait_told(("added", "somedata", 123))
    (record,) = lab.records()
    assert [*record] == ["time", "type", "object"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["time"])
    assert (record["object"]["apiVersion"], record["object"]["kind"]) == ("bookofkubernetes.com/v1", "Sample")
    assert record["object"]["metadata"].keys() >= {"name", "namespace", "uid", "resourceVersion"}
    assert "managedFields" not in record["object"]["metadata"]


def test_characters_that_end_lines_elsewhere_do_not_end_a_record(lab, api):
    lab.start()
    text = "\x85 \u2028 \u2029 \x0b \x0c \x1c é \U0001f600"
    metadata = {"name": "odd", "namespace": lab.namespace, "annotations": {"note": text}}
    sample = {"apiVersion": "bookofkubernetes.com/v1", "kind": "Sample", "metadata": metadata, "spec": {"value": 1}}
    api.create(codecs.from_dict(sample))
    lab.wait_told(("added", "odd", 1))
    assert lab.records()[0]["object"]["metadata"]["annotations"]["note"] == text


def test_it_ends_in_good_order_when_it_is_told_to(lab):
    lab.create("somedata", 123)
    lab.start()
    lab.wait_told(("added", "somedata", 123))
    assert lab.stop(signal.SIGTERM) == 0
    assert lab.messages().splitlines()[-1].count('"stopped"') == 1


def test_it_is_alive_at_once_and_ready_when_all_is_logged(lab):
    lab.proxy.away = True
    lab.start()
    until(lambda: "answering at" in lab.messages())
    assert lab.ask("/healthz").status_code == 200
    assert lab.ask("/readyz").status_code == 503
    lab.proxy.away = False
    until(lambda: lab.ask("/readyz").status_code == 200)


def test_records_and_api_calls_are_counted(lab):
    lab.create("somedata", 123)
    lab.start()
    lab.wait_told(("added", "somedata", 123))
    until(lambda: lab.proxy.watched)
    lab.proxy.answer_next(410, "{}")
    lab.proxy.cut()
    lab.wait_told(("added", "somedata", 123), ("gap", "", None))
    metrics = lab.ask("/metrics").text.splitlines()
    assert 'crdwatch_records_total{type="added"} 1.0' in metrics
    assert 'crdwatch_records_total{type="gap"} 1.0' in metrics
    assert 'controller_api_calls_total{code="200",resource="samples",verb="list"} 2.0' in metrics


def test_a_sample_deleted_and_made_again_is_another_one(lab):
    lab.create("somedata", 1)
    lab.start()
    lab.wait_told(("added", "somedata", 1))
    lab.cut_off()
    lab.delete("somedata")
    lab.create("somedata", 1)
    lab.proxy.answer_next(410, "{}")
    lab.proxy.away = False
    lab.wait_told(("added", "somedata", 1), ("gap", "", None), ("deleted", "somedata", 1), ("added", "somedata", 1))


@pytest.fixture
def group(api, declared):
    """A group of its own, for a CRD that comes and goes."""
    group = f"g{secrets.token_hex(4)}.example.com"
    yield group
    with suppress(ApiError):
        api.delete(CustomResourceDefinition, f"samples.{group}")


def crd(declared, group) -> Any:
    inputs = copy.deepcopy(dict(declared.object("CustomResourceDefinition", "samples.bookofkubernetes.com").inputs))
    inputs["metadata"]["name"] = f"samples.{group}"
    inputs["spec"]["group"] = group
    return inputs


def grant(lab, group):
    own = ObjectMeta(name="reader", namespace=lab.namespace)
    rule = PolicyRule(apiGroups=[group], resources=["samples"], verbs=["get", "list", "watch"])
    lab.api.create(Role(metadata=own, rules=[rule]))
    role = RoleRef(apiGroup="rbac.authorization.k8s.io", kind="Role", name="reader")
    subject = Subject(kind="ServiceAccount", name="watcher", namespace=lab.namespace)
    lab.api.create(RoleBinding(metadata=own, roleRef=role, subjects=[subject]))


def serve(api, manifest):
    """Create the CRD as soon as an earlier one of the name is gone, and wait until it is served."""
    name = manifest["metadata"]["name"]

    def missing():
        try:
            api.get(CustomResourceDefinition, name)
        except ApiError as error:
            return error.status.code == 404
        return False

    until(missing)
    api.create(codecs.from_dict(manifest))

    def established():
        status = api.get(CustomResourceDefinition, name).status
        assert status
        assert any(c.type == "Established" and c.status == "True" for c in status.conditions or [])

    eventually(established)


def put(lab, group, name, **content):
    resource = create_namespaced_resource(group, "v1", "Sample", "samples")
    metadata = ObjectMeta(name=name, namespace=lab.namespace)
    eventually(lambda: lab.api.create(resource(metadata=metadata, **content)))


def test_a_crd_that_comes_goes_and_comes_again_is_followed(lab, api, declared, group):
    grant(lab, group)
    lab.start(WATCH_GROUP=group)
    until(lambda: "refuses: 404" in lab.messages())
    serve(api, crd(declared, group))
    put(lab, group, "first", spec={"value": 1})
    lab.wait_told(("added", "first", 1))

    api.delete(CustomResourceDefinition, f"samples.{group}", cascade=CascadeType.FOREGROUND)
    serve(api, crd(declared, group))
    put(lab, group, "second", spec={"value": 2})

    def followed():
        told = [record for record in lab.told() if record[0] != "gap"]
        assert told == [("added", "first", 1), ("deleted", "first", 1), ("added", "second", 2)]

    eventually(followed)


def test_samples_stored_under_the_hand_made_crd_stay_readable(lab, api, declared, group):
    today = crd(declared, group)
    hand_made = copy.deepcopy(today)
    hand_made["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": {"value": {"type": "integer"}}}},
    }
    grant(lab, group)
    serve(api, hand_made)
    put(lab, group, "bare")
    put(lab, group, "empty", spec={})
    put(lab, group, "full", spec={"value": 123})
    api.apply(codecs.from_dict(today), force=True)
    lab.start(WATCH_GROUP=group)
    lab.wait_told(("added", "bare", None), ("added", "empty", None), ("added", "full", 123))
    # They can still be written to, too.
    resource = create_namespaced_resource(group, "v1", "Sample", "samples")
    change = {"metadata": {"labels": {"seen": "yes"}}}
    api.patch(resource, "bare", change, namespace=lab.namespace, patch_type=PatchType.MERGE)
    until(lambda: lab.told()[-1] == ("modified", "bare", None))


@pytest.fixture
def may(lab, api):
    """Ask the API server whether the watcher's ServiceAccount may do something."""
    user = f"system:serviceaccount:{lab.namespace}:watcher"

    def ask(verb, group, resource, namespace=lab.namespace):
        attributes = ResourceAttributes(verb=verb, group=group, resource=resource, namespace=namespace)
        spec = SubjectAccessReviewSpec(resourceAttributes=attributes, user=user, groups=["system:authenticated"])
        return api.create(SubjectAccessReview(metadata=ObjectMeta(), spec=spec)).status.allowed

    return ask


def test_the_watcher_may_read_samples_and_change_none(may):
    for verb in ("get", "list", "watch"):
        assert may(verb, "bookofkubernetes.com", "samples")
    for verb in ("create", "update", "patch", "delete"):
        assert not may(verb, "bookofkubernetes.com", "samples")


def test_the_watcher_may_read_neither_secrets_nor_other_namespaces(may):
    assert not may("get", "", "secrets")
    assert not may("list", "bookofkubernetes.com", "samples", namespace="default")
    assert not may("list", "bookofkubernetes.com", "samples", namespace="")
