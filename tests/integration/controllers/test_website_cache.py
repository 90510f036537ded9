"""What a controller's caches spare the API server, and what they must not miss."""

import signal
import time

import httpx2
import pytest
import yaml
from lightkube import codecs
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.models.rbac_v1 import PolicyRule, RoleRef, Subject
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Service
from lightkube.resources.networking_v1 import NetworkPolicy
from lightkube.resources.rbac_authorization_v1 import ClusterRole, ClusterRoleBinding
from website_harness import ACCOUNT, REPOSITORY, eventually, open_lab

from controllers.website.model import WebsiteResource
from controllers.website.rbac import NAMESPACE_RULES

MANY = 20


@pytest.fixture
def many(lab):
    """A namespace with ready Websites, and the controller that made them."""
    running = lab.start()
    for number in range(MANY):
        lab.create(f"site-{number}", host=f"site-{number}.example.com", replicas=2)
    for number in range(MANY):
        lab.wait_ready(f"site-{number}")
    return running


def test_a_website_costs_one_write_a_child_and_two_of_its_status(many):
    writes = many.writes()
    for child in ("deployments", "services", "networkpolicies", "ingresses", "poddisruptionbudgets"):
        assert writes.pop(child) == MANY, child
    assert writes.pop("websites/status") <= 2 * MANY
    assert writes == {}


def test_a_restarted_controller_writes_nothing_and_asks_for_no_single_object(lab, many):
    lab.stop()
    again = lab.start()

    def looked_at_all():
        assert again.metric("controller_reconcile_seconds_count") >= MANY

    eventually(looked_at_all)
    assert again.writes() == {}
    assert again.metric("controller_api_calls_total", verb="get") == 0
    assert again.metric("controller_reconcile_errors_total") == 0


def test_nothing_is_even_sent_at_rest_whatever_the_quantities_are_written_like(lab):
    running = lab.start("--resync", "1")
    lab.create("kubia", resources={"requests": {"cpu": "1000m", "memory": 1048576}, "limits": {"memory": "1024Mi"}})
    lab.wait_ready("kubia")
    before = running.writes()
    looks = running.metric("controller_reconcile_seconds_count")
    time.sleep(3)
    assert running.metric("controller_reconcile_seconds_count") > looks
    assert running.writes() == before


def test_what_was_deleted_while_a_watch_was_down_is_missed_by_the_cache_no_longer(lab):
    """The controller sleeps, and when it wakes its watches are dead: it lists, and finds less than it knew."""
    running = lab.start("--watch-idle", "2", "--resync", "3600")
    lab.create("kept")
    lab.create("gone")
    for name in ("kept", "gone"):
        lab.wait_ready(name)
    running.process.send_signal(signal.SIGSTOP)
    lab.api.delete(Service, "kept-website", namespace=lab.namespace)
    lab.api.delete(WebsiteResource, "gone", namespace=lab.namespace)
    time.sleep(3)
    running.process.send_signal(signal.SIGCONT)
    eventually(lambda: lab.get(Service, "kept-website"))

    def forgotten():
        assert running.metric("controller_cached_objects", resource="websites") == 1

    eventually(forgotten)


def test_a_controller_outlives_its_crd_and_goes_on_when_it_is_back(lab):
    running = lab.start()
    lab.create("kubia")
    lab.wait_ready("kubia")
    lab.api.delete(CustomResourceDefinition, "websites.extensions.example.com")

    def children_gone():
        assert lab.missing(Deployment, "kubia-website")

    eventually(children_gone)
    lab.api.apply(codecs.from_dict(yaml.safe_load((REPOSITORY / "crds" / "websites.yaml").read_text())))
    eventually(lambda: created_again(lab))
    lab.wait_ready("again")
    assert running.process.poll() is None


def created_again(lab):
    try:
        lab.create("again")
    except httpx2.HTTPStatusError as error:  # not served again yet: an answer that is no Status
        raise AssertionError from error


def test_two_namespaces_are_served_by_one_controller(lab, api, cluster, tmp_path):
    with open_lab(api, cluster.kubeconfig, tmp_path) as other:
        serve_everywhere(lab, other)
        lab.start("--namespace", f"{lab.namespace},{other.namespace}")
        for each in (lab, other):
            each.create("kubia", host="kubia.example.com" if each is lab else None)
            each.wait_ready("kubia")


def test_all_namespaces_are_served_when_that_is_asked_for(lab, api, cluster, tmp_path):
    with open_lab(api, cluster.kubeconfig, tmp_path) as other:
        serve_everywhere(lab, other)
        lab.start("--namespace", "")
        other.create("kubia")
        other.wait_ready("kubia")
        assert other.get(NetworkPolicy, "kubia-website")


def serve_everywhere(lab, other):
    """Give ``lab``'s controller its rights by a ClusterRole, as one for all namespaces needs it."""
    name = f"{ACCOUNT}-{lab.namespace}"
    rules = [
        PolicyRule(apiGroups=list(r.api_groups), resources=list(r.resources), verbs=list(r.verbs))
        for r in NAMESPACE_RULES
    ]
    lab.api.create(ClusterRole(metadata=ObjectMeta(name=name), rules=rules))
    subject = Subject(kind="ServiceAccount", name=ACCOUNT, namespace=lab.namespace)
    role = RoleRef(apiGroup="rbac.authorization.k8s.io", kind="ClusterRole", name=name)
    lab.api.create(ClusterRoleBinding(metadata=ObjectMeta(name=name), roleRef=role, subjects=[subject]))
