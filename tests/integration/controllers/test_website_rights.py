"""The rights of the Website controller against the API server's audit log: what is granted is what is used."""

import json

import pytest
from lightkube.resources.core_v1 import Service
from lightkube.resources.networking_v1 import Ingress
from lightkube.resources.policy_v1 import PodDisruptionBudget
from lightkube.types import PatchType
from website_harness import ACCOUNT, eventually

from controllers.runtime.rules import ELECTION_RULES
from controllers.website.model import HTTPRoute
from controllers.website.rbac import NAMESPACE_RULES


@pytest.fixture
def busy(lab):
    """A namespace in which the controller has done all that it ever does."""
    lab.start("--leader-election-namespace", lab.namespace)
    lab.create("kubia", replicas=2, host="kubia.example.com")
    lab.create("routed", host="routed.example.com", gateway={"name": "public"})
    for name in ("kubia", "routed"):
        lab.wait_ready(name)
    lab.patch("kubia", replicas=1, host=None)
    lab.patch("routed", host=None, gateway=None)

    def deleted():
        assert all(lab.missing(kind, "kubia-website") for kind in (Ingress, PodDisruptionBudget))
        assert lab.missing(HTTPRoute, "routed-website")

    eventually(deleted)
    lab.create("taken")
    lab.wait_ready("taken")
    for _ in range(2):  # the second time, the Event of the first is there
        conflict_and_recover(lab)
    return lab


def conflict_and_recover(lab):
    """Take the Service away from its Website for a while."""
    name = "taken-website"
    owners = lab.get(Service, name).metadata.ownerReferences
    lab.api.patch(Service, name, owned_by([]), namespace=lab.namespace, patch_type=PatchType.MERGE)

    def refused():
        assert lab.condition("taken")["reason"] == "NameConflict"

    eventually(refused)
    lab.api.patch(Service, name, owned_by(owners), namespace=lab.namespace, patch_type=PatchType.MERGE)
    lab.wait_ready("taken")


def owned_by(owners):
    return {"metadata": {"ownerReferences": [owner.to_dict() for owner in owners]}}


def requests(lab, cluster):
    """What the controller asked of the API server, by the audit log."""
    user = f"system:serviceaccount:{lab.namespace}:{ACCOUNT}"
    lines = cluster.audit_log.read_text().splitlines()
    return [event for event in map(json.loads, lines) if event["user"]["username"] == user]


def used(events):
    found = set()
    for event in events:
        reference = event["objectRef"]
        resource = "/".join(filter(None, (reference["resource"], reference.get("subresource"))))
        found.add((reference.get("apiGroup", ""), resource, event["verb"]))
        # Server-side apply that makes an object is a patch which needs the right to create too.
        if event["verb"] == "patch" and event["responseStatus"]["code"] == 201:
            found.add((reference.get("apiGroup", ""), resource, "create"))
    return found


def granted():
    return {
        (rule.api_groups[0], resource, verb)
        for rule in (*NAMESPACE_RULES, *ELECTION_RULES)
        for resource in rule.resources
        for verb in rule.verbs
    }


def test_every_right_is_used_and_none_is_missing(busy, cluster):
    def same():
        events = requests(busy, cluster)
        denied = [e for e in events if e["annotations"].get("authorization.k8s.io/decision") == "forbid"]
        assert denied == []
        assert used(events) == granted()

    eventually(same)
