"""What the API server takes for a Memcached, what its pods must pass, and what the controller may do."""

import copy
import secrets
from typing import Any

import pytest
from lightkube import ApiError, codecs
from lightkube.config import client_adapter
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.authorization_v1 import ResourceAttributes, SubjectAccessReviewSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.authorization_v1 import SubjectAccessReview
from lightkube.types import PatchType
from memcached_harness import ACCOUNT, until
from website_harness import eventually

from controllers.memcached.model import Memcached, MemcachedResource
from controllers.memcached.rbac import NAMESPACE_RULES
from controllers.runtime.connection import load_config


def make(lab, name="sessions", **spec):
    metadata = ObjectMeta(name=name, namespace=lab.namespace)
    return lab.api.create(MemcachedResource(metadata=metadata, spec=spec), dry_run=True)


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_a_size_is_taken(lab, size):
    assert make(lab, size=size)["spec"] == {"size": size}


def test_the_default_is_filled_in_by_the_api_server(lab):
    assert make(lab)["spec"] == {"size": 1}


@pytest.mark.parametrize("size", [-1, 2**31, 1.5, "3"])
def test_what_is_no_size_is_refused_with_the_field_named(lab, size):
    with pytest.raises(ApiError, match=r"spec\.size"):
        make(lab, size=size)


@pytest.mark.parametrize("name", ["a" * 64, "1cache", "my.cache"])
def test_a_name_that_no_service_could_carry_is_refused(lab, name):
    with pytest.raises(ApiError, match=r"metadata\.name must be at most 63 characters"):
        make(lab, name, size=1)


def test_the_longest_name_is_taken_and_works(running):
    name = "a" * 63
    running.create(name, size=1)
    running.wait_size(name, 1)


def serves(api, name):
    status = api.get(CustomResourceDefinition, name).status
    return any(c.type == "Established" and c.status == "True" for c in (status and status.conditions) or [])


def test_objects_stored_under_the_hand_made_crd_stay_readable(lab, api, declared):
    """The hand-made version demanded neither a size nor a name that a Service could carry."""
    group = f"g{secrets.token_hex(4)}.example.com"
    today: Any = copy.deepcopy(dict(declared.object("CustomResourceDefinition", "memcacheds.cache.example.com").inputs))
    today["metadata"]["name"], today["spec"]["group"] = f"memcacheds.{group}", group
    hand_made = copy.deepcopy(today)
    hand_made["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "properties": {"size": {"type": "integer"}}},
            "status": {"type": "object", "properties": {"nodes": {"type": "array", "items": {"type": "string"}}}},
        },
    }
    resource = create_namespaced_resource(group, "v1alpha1", "Memcached", "memcacheds")
    stored = {"full": {"size": 3}, "empty": {}, "1.digit": {"size": 1}}
    api.create(codecs.from_dict(hand_made))
    try:
        until(lambda: serves(api, today["metadata"]["name"]))
        for name, spec in stored.items():
            item = resource(metadata=ObjectMeta(name=name, namespace=lab.namespace), spec=spec)
            eventually(lambda item=item: api.create(item))
        status = resource.Status(metadata=ObjectMeta(name="full"), status={"nodes": ["full-0"]})
        api.patch(resource.Status, "full", status, namespace=lab.namespace, patch_type=PatchType.MERGE)
        api.apply(codecs.from_dict(today), force=True)

        def read():
            try:
                items = [*api.list(resource, namespace=lab.namespace)]
            except ApiError:
                return False  # the storage is being made anew
            if not all("size" in item["spec"] for item in items):
                return False
            return {m.name: (m.size, m.status) for m in map(Memcached.from_object, items)} == {
                "full": (3, {"nodes": ["full-0"]}),
                "empty": (1, {}),
                "1.digit": (1, {}),
            }

        # The API server takes a moment to serve by the new schema.
        until(read)
    finally:
        api.delete(CustomResourceDefinition, today["metadata"]["name"])


@pytest.fixture
def http(cluster):
    """The API server by plain HTTP, since lightkube doesn't show an answer's warnings."""
    with client_adapter.Client(load_config(cluster.kubeconfig), client_adapter.ConnectionParams()) as client:
        yield client


def test_the_pods_pass_restricted_pod_security_without_a_warning(running, http):
    running.create("sessions", size=1)
    running.wait_size("sessions", 1)
    template = running.get(Deployment, "sessions").spec.template.to_dict()
    pod: Any = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"labels": template["metadata"]["labels"], "name": "tried"},
        "spec": template["spec"],
    }
    path = f"/api/v1/namespaces/{running.namespace}/pods"
    answer = http.post(path, params={"dryRun": "All", "fieldValidation": "Strict"}, json=pod)
    assert answer.status_code == 201, answer.text
    assert "Warning" not in answer.headers
    pod["spec"]["containers"][0]["securityContext"]["runAsNonRoot"] = False
    refused = http.post(path, params={"dryRun": "All"}, json=pod)
    assert refused.status_code == 403


@pytest.fixture
def may(lab, api):
    """Ask the API server whether the controller's ServiceAccount may do something."""
    user = f"system:serviceaccount:{lab.namespace}:{ACCOUNT}"

    def ask(verb, group, resource, namespace=lab.namespace):
        resource, _, subresource = resource.partition("/")
        attributes = ResourceAttributes(
            verb=verb, group=group, resource=resource, subresource=subresource, namespace=namespace
        )
        spec = SubjectAccessReviewSpec(resourceAttributes=attributes, user=user, groups=["system:authenticated"])
        return api.create(SubjectAccessReview(metadata=ObjectMeta(), spec=spec)).status.allowed

    return ask


def test_the_controller_may_do_what_its_rules_say(may):
    for rule in NAMESPACE_RULES:
        for verb in rule.verbs:
            assert may(verb, rule.api_groups[0], rule.resources[0]), (verb, rule)


@pytest.mark.parametrize(
    ("verb", "group", "resource"),
    [
        ("get", "", "secrets"),
        ("create", "", "pods"),
        ("delete", "", "pods"),
        ("create", "", "pods/exec"),
        ("delete", "apps", "deployments"),
        ("delete", "", "services"),
        ("patch", "cache.example.com", "memcacheds"),
        ("create", "rbac.authorization.k8s.io", "rolebindings"),
    ],
)
def test_the_controller_may_not_do_more(may, verb, group, resource):
    assert not may(verb, group, resource)


def test_the_controller_may_do_nothing_in_other_namespaces(may):
    assert not may("list", "cache.example.com", "memcacheds", namespace="default")
    assert not may("create", "apps", "deployments", namespace="")
