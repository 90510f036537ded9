"""What else belongs to a Website: how it is published and protected, and what its status tells of its pods."""

import time

import httpx2
import pytest
from lightkube.models.core_v1 import (
    ContainerState,
    ContainerStateTerminated,
    ContainerStatus,
    PodStatus,
)
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.models.policy_v1 import PodDisruptionBudgetSpec
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod, Service
from lightkube.resources.events_v1 import Event
from lightkube.resources.networking_v1 import Ingress, NetworkPolicy
from lightkube.resources.policy_v1 import PodDisruptionBudget
from website_harness import GIT_REPO, eventually

from controllers.website.model import HTTPRoute, WebsiteResource

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_a_disruption_budget_comes_with_the_second_replica_and_goes_with_it(running):
    running.create("kubia", replicas=2)
    running.wait_ready("kubia")
    assert running.get(PodDisruptionBudget, "kubia-website").spec.maxUnavailable == 1
    running.patch("kubia", replicas=1)

    def gone():
        assert running.missing(PodDisruptionBudget, "kubia-website")

    eventually(gone)


def test_a_foreign_disruption_budget_is_not_deleted_with_the_second_replica(running):
    spec = PodDisruptionBudgetSpec(maxUnavailable=1, selector=LabelSelector(matchLabels={"app": "database"}))
    meta = ObjectMeta(
        name="kubia-website",
        namespace=running.namespace,
        labels={"app.kubernetes.io/managed-by": "website-controller"},
    )
    running.api.create(PodDisruptionBudget(metadata=meta, spec=spec))
    running.create("kubia", replicas=1)
    running.wait_ready("kubia")
    assert running.get(PodDisruptionBudget, "kubia-website")


def test_the_pods_are_shut_off_but_for_what_they_need(running):
    running.create("kubia", gitRepo="https://git.example.com:8443/site.git")
    running.wait_ready("kubia")
    spec = running.get(NetworkPolicy, "kubia-website").spec
    assert [p.port for rule in spec.egress for p in rule.ports] == [53, 53, 8443]


def test_the_service_has_the_type_that_is_asked_for(running):
    running.create("kubia", serviceType="ClusterIP")
    running.wait_ready("kubia")
    assert running.get(Service, "kubia-website").spec.type == "ClusterIP"
    running.patch("kubia", serviceType=None)  # the API server fills the default in

    def defaulted():
        assert running.get(Service, "kubia-website").spec.type == "NodePort"

    eventually(defaulted)


def test_a_gateway_publishes_the_host_in_place_of_the_ingress(running):
    running.create("kubia", host="kubia.example.com")
    running.wait_ready("kubia")
    assert running.get(Ingress, "kubia-website")
    running.patch("kubia", gateway={"name": "public", "namespace": "gateways"})

    def routed():
        assert running.missing(Ingress, "kubia-website")
        route = running.get(HTTPRoute, "kubia-website")
        assert route["spec"]["hostnames"] == ["kubia.example.com"]
        assert route["spec"]["parentRefs"][0]["name"] == "public"

    eventually(routed)
    running.patch("kubia", gateway=None)

    def back():
        assert running.missing(HTTPRoute, "kubia-website")
        assert running.get(Ingress, "kubia-website")

    eventually(back)


def test_the_younger_of_two_websites_with_one_host_is_refused_until_the_older_one_goes(running):
    running.create("older", host="www.example.com")
    running.wait_ready("older")
    time.sleep(1)  # the API server notes whole seconds
    running.create("younger", host="www.example.com")

    def refused():
        condition = running.condition("younger")
        assert condition["reason"] == "HostConflict"
        assert f"Website {running.namespace}/older" in condition["message"]

    eventually(refused)
    assert running.missing(Ingress, "younger-website")
    assert running.condition("older")["status"] == "True"
    (event,) = eventually(lambda: told(running, "younger", {"HostConflict"}))
    assert (event.type, event.reason, event.reportingController) == ("Warning", "HostConflict", "website-controller")

    running.api.delete(WebsiteResource, "older", namespace=running.namespace)
    running.wait_ready("younger")
    assert running.get(Ingress, "younger-website")
    eventually(lambda: told(running, "younger", {"HostConflict", "Recovered"}))


def told(lab, name, reasons):
    """Its Events, once there is one of each of `reasons` and no more; they are written after the status."""
    regarding = {"regarding.kind": "Website", "regarding.name": name}
    events = list(lab.api.list(Event, namespace=lab.namespace, fields=regarding))
    assert sorted(e.reason for e in events) == sorted(reasons)
    return events


def test_what_git_says_is_shown_and_told_and_holds_up_no_other(running):
    """No pod runs here; its status is written as a kubelet writes it."""
    running.create("kubia", gitRepo="https://git.example.com/no-such.git", credentialsSecret="deploy")
    pod = eventually(lambda: running_pod(running))
    ended = ContainerStateTerminated(exitCode=1, reason="Error", message="fatal: repository not found\n")
    say(running, pod, initContainerStatuses=[status("clone", terminated=ended)])

    def failed():
        condition = running.condition("kubia", "Synced")
        assert (condition["status"], condition["reason"]) == ("False", "SyncFailed")
        assert condition["message"].endswith("no-such.git with Secret deploy: fatal: repository not found")

    eventually(failed)
    eventually(lambda: told(running, "kubia", {"SyncFailed"}))
    running.create("other")
    running.wait_ready("other")


def running_pod(lab):
    """The Website's pod, once the sandbox's kubelet has said what it says of every pod and won't say it again."""
    pods = list(lab.api.list(Pod, namespace=lab.namespace, labels={"app.kubernetes.io/instance": "kubia"}))
    assert [pod.status.phase for pod in pods] == ["Running"]
    return pods[0]


def say(lab, pod, **statuses):
    change = {"status": PodStatus(**statuses).to_dict()}
    lab.api.patch(Pod.Status, pod.metadata.name, change, namespace=lab.namespace)


def status(name, *, terminated):
    state = ContainerState(terminated=terminated)
    return ContainerStatus(name=name, image="", imageID="", ready=False, restartCount=1, state=state)


@pytest.fixture
def reporting(lab):
    """A controller that pods report to, and its Website."""
    running = lab.start("--report-url", "http://website-controller.website-system:8080")
    lab.create("kubia")
    lab.wait_ready("kubia")
    return running


def webhook(lab, running, commit, uid=None):
    """Report as git-sync does, by the arguments that its container got; answers the status code."""
    containers = lab.get(Deployment, "kubia-website").spec.template.spec.containers
    arguments = next(c for c in containers if c.name == "git-sync").args
    url = next(a for a in arguments if a.startswith("--webhook-url=")).removeprefix("--webhook-url=")
    own = lab.get(WebsiteResource, "kubia").metadata.uid
    path = url.removeprefix("http://website-controller.website-system:8080").replace(own, uid or own)
    return httpx2.post(f"{running.url}{path}", headers={"Gitsync-Hash": commit}).status_code


def test_a_reported_commit_is_acknowledged_only_once_it_stands_in_the_status(lab, reporting):
    assert webhook(lab, reporting, COMMIT) == 503

    def acknowledged():
        assert webhook(lab, reporting, COMMIT) == 200

    eventually(acknowledged)
    assert lab.get(WebsiteResource, "kubia").status["commit"] == COMMIT
    assert COMMIT in lab.condition("kubia", "Synced")["message"]
    lab.stop()
    again = lab.start("--report-url", "http://website-controller.website-system:8080")
    assert webhook(lab, again, COMMIT) == 200
    assert again.writes() == {}


def test_a_report_that_is_none_changes_nothing(lab, reporting):
    assert webhook(lab, reporting, "HEAD") == 400
    assert webhook(lab, reporting, COMMIT, uid="00000000-0000-4000-8000-000000000000") == 404
    assert "commit" not in lab.get(WebsiteResource, "kubia").status


def test_a_private_repository_is_read_with_the_named_secret(running):
    running.create("kubia", gitRepo=GIT_REPO, credentialsSecret="deploy")
    running.wait_ready("kubia")
    pod = running.get(Deployment, "kubia-website").spec.template.spec
    (volume,) = (v for v in pod.volumes if v.name == "credentials")
    assert volume.secret.secretName == "deploy"
    assert "deploy" not in str([c.args for c in (*pod.initContainers, *pod.containers)])
    assert [e.name for e in pod.containers[1].env or ()] == ["GITSYNC_USERNAME"]

    running.patch("kubia", credentialsSecret=None)

    def taken_away():
        deployment = running.get(Deployment, "kubia-website")
        pod = deployment.spec.template.spec
        assert "credentials" not in [v.name for v in pod.volumes]
        assert not pod.containers[1].env
        # It was created; what isn't declared any more would stay if that still counted.
        ours = [e.operation for e in deployment.metadata.managedFields if e.manager == "website-controller"]
        assert ours == ["Apply"]

    eventually(taken_away)
