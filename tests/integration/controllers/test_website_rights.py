"""The rights of the Website controller against the API server's audit log: what is granted is what is used."""

import pytest
from audit import denied, edit_by_hand, granted, requests, spoken, used
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Service
from lightkube.resources.networking_v1 import Ingress, NetworkPolicy
from lightkube.resources.policy_v1 import PodDisruptionBudget
from lightkube.types import PatchType
from website_harness import ACCOUNT, eventually, open_lab

from controllers.runtime.rules import ELECTION_RULES
from controllers.website.model import HTTPRoute
from controllers.website.names import HASH_ANNOTATION
from controllers.website.rbac import NAMESPACE_RULES

RIGHTS = granted((*NAMESPACE_RULES, *ELECTION_RULES))


@pytest.fixture(scope="module")
def asked(api, cluster, tmp_path_factory):
    """What a controller that has done all that it ever does asked of the API server, which logs before it answers."""
    with open_lab(api, cluster.kubeconfig, tmp_path_factory.mktemp("rights")) as lab:
        do_everything(lab)
        lab.stop()
        return requests(cluster, lab.namespace, ACCOUNT)


def do_everything(lab):
    lab.start("--leader-election-namespace", lab.namespace)
    lab.create("kubia", replicas=2, host="kubia.example.com")
    lab.create("routed", host="routed.example.com", gateway={"name": "public"})
    for name in ("kubia", "routed"):
        lab.wait_ready(name)
    for kind in (Deployment, Service, NetworkPolicy, Ingress, PodDisruptionBudget):
        edit_by_hand(lab, kind, "kubia-website", HASH_ANNOTATION)
    edit_by_hand(lab, HTTPRoute, "routed-website", HASH_ANNOTATION)
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


@pytest.mark.parametrize("right", RIGHTS, ids=spoken)
def test_a_right_is_used(asked, right):
    assert right in used(asked)


def test_no_right_is_missing(asked):
    assert denied(asked) == []
    assert used(asked) <= {*RIGHTS}
