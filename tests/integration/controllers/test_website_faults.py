"""What happens to Websites when something is in the way of their controller."""

import random
import signal
import time

import pytest
from lightkube import ApiError
from lightkube.models.core_v1 import ResourceQuotaSpec, ServicePort, ServiceSpec
from lightkube.models.meta_v1 import ObjectMeta, OwnerReference
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import ResourceQuota, Secret, Service
from lightkube.resources.networking_v1 import Ingress
from lightkube.resources.rbac_authorization_v1 import RoleBinding
from website_harness import ACCOUNT, eventually, open_lab

from controllers.website.children import KINDS
from controllers.website.model import WebsiteResource

# What the API server chooses by itself, and what names the namespace.
CHOSEN = {"clusterIP", "clusterIPs", "nodePort", "uid", "namespace"}


def foreign_service(lab, **metadata):
    meta = ObjectMeta(name="kubia-website", namespace=lab.namespace, **metadata)
    spec = ServiceSpec(ports=[ServicePort(port=5432)], selector={"app": "database"})
    return lab.api.create(Service(metadata=meta, spec=spec))


def versions(lab):
    """Resource versions of everything in the namespace that the controller could write to."""
    return {
        (kind.__name__, item.metadata.name): item.metadata.resourceVersion
        for kind in (*KINDS, WebsiteResource)
        for item in lab.api.list(kind, namespace=lab.namespace)
    }


def settle(lab):
    """Wait until two looks, half a second apart, show the same."""

    def same():
        before = versions(lab)
        time.sleep(0.5)
        assert versions(lab) == before

    eventually(same)


def without_chosen(value):
    if isinstance(value, dict):
        return {k: without_chosen(v) for k, v in value.items() if k not in CHOSEN}
    return [without_chosen(v) for v in value] if isinstance(value, list) else value


def state(lab):
    """All children by kind and name: what was declared of them, and their owner."""
    return {
        (kind.__name__, item.metadata.name): (
            without_chosen(item.spec.to_dict()),
            item.metadata.labels,
            [(o.kind, o.name, o.controller) for o in item.metadata.ownerReferences],
        )
        for kind in KINDS
        for item in lab.api.list(kind, namespace=lab.namespace)
    }


def assert_conflict(lab):
    condition = lab.condition("kubia")
    assert condition["status"] == "False"
    assert condition["reason"] == "NameConflict"
    assert f"Service {lab.namespace}/kubia-website already exists" in condition["message"]


def test_a_foreign_service_of_the_same_name_is_left_alone(running):
    service = foreign_service(running)
    running.create("kubia")

    eventually(lambda: assert_conflict(running))
    assert running.get(Service, "kubia-website").metadata.resourceVersion == service.metadata.resourceVersion

    running.api.delete(Service, "kubia-website", namespace=running.namespace)
    running.wait_ready("kubia")


def test_a_service_of_another_controller_is_named_with_its_owner(running):
    owner = OwnerReference(apiVersion="v1", kind="ConfigMap", name="other", uid="no-such", controller=True)
    foreign_service(running, ownerReferences=[owner], finalizers=["example.com/keep"])
    running.create("kubia")

    message = eventually(lambda: running.condition("kubia"))["message"]
    assert "belongs to ConfigMap other" in message
    running.api.patch(Service, "kubia-website", {"metadata": {"finalizers": None}}, namespace=running.namespace)


def test_a_conflict_of_one_website_does_not_hold_up_the_others(running):
    foreign_service(running)
    for name in ("kubia", "one", "two", "three", "four", "five"):
        running.create(name)
    for name in ("one", "two", "three", "four", "five"):
        running.wait_ready(name)
    assert_conflict(running)


def test_a_refusal_of_the_api_server_is_shown_in_its_own_words_and_tried_again(lab):
    lab.start()
    quota = ResourceQuota(
        metadata=ObjectMeta(name="few", namespace=lab.namespace),
        spec=ResourceQuotaSpec(hard={"services": "0"}),
    )
    lab.api.create(quota)

    def enforced():
        status = lab.get(ResourceQuota, "few").status
        assert status
        assert status.hard == {"services": "0"}

    eventually(enforced)
    lab.create("kubia")

    def refused():
        condition = lab.condition("kubia")
        assert condition["status"] == "False"
        assert condition["reason"] == "Forbidden"
        assert "exceeded quota: few" in condition["message"]

    eventually(refused)
    lab.api.delete(ResourceQuota, "few", namespace=lab.namespace)
    lab.wait_ready("kubia")


def test_websites_heal_when_a_right_that_was_taken_away_is_given_back(lab):
    lab.start()
    binding = lab.get(RoleBinding, ACCOUNT)
    lab.api.delete(RoleBinding, ACCOUNT, namespace=lab.namespace)
    lab.create("kubia")
    time.sleep(2)
    assert lab.missing(Deployment, "kubia-website")
    assert lab.get(WebsiteResource, "kubia").status is None

    again = RoleBinding(
        metadata=ObjectMeta(name=ACCOUNT, namespace=lab.namespace),
        roleRef=binding.roleRef,
        subjects=binding.subjects,
    )
    lab.api.create(again)
    lab.wait_ready("kubia")


def test_nothing_is_written_at_rest(lab):
    lab.start("--resync", "1")
    for name, spec in {"one": {}, "two": {"host": "two.example.com"}, "none": {"replicas": 0}}.items():
        lab.create(name, **spec)
    for name in ("one", "two"):
        lab.wait_ready(name)
    eventually(lambda: lab.condition("none"))
    foreign_service(lab)
    lab.create("kubia")
    eventually(lambda: assert_conflict(lab))
    settle(lab)

    before, applied = versions(lab), lab.log().count("applied")
    time.sleep(5)
    assert versions(lab) == before
    # The API server ignores an apply without a difference; none may even have been sent.
    assert lab.log().count("applied") == applied > 0


SITES = {f"site-{n}": {"replicas": n % 3, "ref": f"v{n}"} for n in range(6)}


def changes(lab):
    """The same changes to the same Websites in every run, whoever watches; a step each."""
    for name, spec in SITES.items():
        lab.create(name, **spec)
        yield
    for name in ("site-1", "site-2"):
        lab.patch(name, host=f"{name}.example.com")
        yield
    lab.patch("site-1", host=None, path="docs")
    yield
    lab.api.delete(WebsiteResource, "site-3", namespace=lab.namespace)
    yield


def assert_all_done(lab):
    assert all(lab.missing(kind, "site-3-website") for kind in KINDS)
    for name in SITES.keys() - {"site-3"}:
        assert lab.condition(name, "Progressing")["reason"] == "RolledOut"
        assert lab.missing(Ingress, f"{name}-website") is (name != "site-2")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_controller_killed_at_any_moment_ends_in_the_state_of_an_undisturbed_one(api, cluster, tmp_path, seed):
    chance = random.Random(seed)  # noqa: S311  kills at the same steps in every run
    with (
        open_lab(api, cluster.kubeconfig, tmp_path) as calm,
        open_lab(api, cluster.kubeconfig, tmp_path) as killed,
    ):
        calm.start()
        killed.start()
        for _ in zip(changes(calm), changes(killed), strict=True):
            time.sleep(chance.uniform(0, 0.15))
            if chance.random() < 0.6:
                killed.stop(signal.SIGKILL)
                killed.start()
        eventually(lambda: assert_all_done(calm))
        eventually(lambda: assert_all_done(killed))
        assert state(killed) == state(calm)


def test_a_change_made_while_no_controller_runs_is_seen_when_it_starts(lab):
    lab.start()
    lab.create("kubia")
    lab.wait_ready("kubia")
    lab.stop()
    lab.patch("kubia", replicas=2)
    lab.api.delete(Service, "kubia-website", namespace=lab.namespace)
    lab.start()
    lab.wait_ready("kubia")
    assert lab.get(Deployment, "kubia-website").spec.replicas == 2
    assert lab.get(Service, "kubia-website")


def test_a_renewed_token_is_used_when_the_old_one_dies(lab):
    lab.renew_token(bound_to="short-lived")
    lab.start()
    lab.create("before")
    lab.wait_ready("before")

    lab.api.delete(Secret, "short-lived", namespace=lab.namespace)

    # The API server trusts a token that it has just seen for some seconds more.
    def refused():
        lab.patch("before", replicas=2)
        lab.patch("before", replicas=1)
        assert "Unauthorized" in lab.log()

    eventually(refused)
    lab.token_file.write_text("")  # what a reader sees of a file that is being written
    lab.create("after")
    time.sleep(1)
    lab.renew_token()
    lab.wait_ready("after")


def test_two_controllers_at_once_agree(lab):
    lab.start("--resync", "1")
    lab.start("--resync", "1")
    for name in ("one", "two", "three"):
        lab.create(name, host=f"{name}.example.com")
    for name in ("one", "two", "three"):
        lab.wait_ready(name)
    settle(lab)
    before = versions(lab)
    time.sleep(3)
    assert versions(lab) == before


def test_a_website_in_another_namespace_is_none_of_its_business(running, api, cluster, tmp_path):
    with open_lab(api, cluster.kubeconfig, tmp_path) as other:
        other.create("kubia")
        running.create("kubia")
        running.wait_ready("kubia")
        assert other.missing(Deployment, "kubia-website")
        with pytest.raises(ApiError, match="not found"):
            other.get(Service, "kubia-website")
