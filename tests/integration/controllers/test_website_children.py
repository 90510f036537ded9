"""What the controller makes of a Website, on a real API server."""

import signal

from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Service
from lightkube.resources.networking_v1 import Ingress
from website_harness import GIT_REPO, eventually

from controllers.website.model import WebsiteResource


def git_sync_arguments(lab, name):
    containers = lab.get(Deployment, f"{name}-website").spec.template.spec.containers
    return next(c for c in containers if c.name == "git-sync").args


def test_a_website_gets_a_deployment_and_a_service_of_its_name(running):
    running.create("kubia")
    running.wait_ready("kubia")

    deployment = running.get(Deployment, "kubia-website")
    assert deployment.spec.replicas == 1
    assert [c.name for c in deployment.spec.template.spec.containers] == ["nginx", "git-sync"]
    assert f"--repo={GIT_REPO}" in git_sync_arguments(running, "kubia")
    service = running.get(Service, "kubia-website")
    assert service.spec.type == "NodePort"
    assert [(p.port, p.targetPort) for p in service.spec.ports] == [(80, "http")]
    assert service.spec.selector.items() <= deployment.spec.template.metadata.labels.items()
    assert running.missing(Ingress, "kubia-website")
    status = running.get(WebsiteResource, "kubia").status
    assert status["url"] == f"http://kubia-website.{running.namespace}.svc.cluster.local"
    assert status["replicas"] == 1


def test_children_belong_to_their_website(running):
    website = running.create("kubia", host="kubia.example.com")
    running.wait_ready("kubia")

    for kind in (Deployment, Service, Ingress):
        metadata = running.get(kind, "kubia-website").metadata
        assert [(o.uid, o.controller) for o in metadata.ownerReferences] == [(website.metadata.uid, True)]
        assert metadata.labels["app.kubernetes.io/managed-by"] == "website-controller"


def test_a_changed_spec_rolls_through(running):
    running.create("kubia")
    running.wait_ready("kubia")
    running.patch("kubia", ref="v2", path="docs/public", replicas=3)
    running.wait_ready("kubia")

    deployment = running.get(Deployment, "kubia-website")
    assert deployment.spec.replicas == 3
    assert "--ref=v2" in git_sync_arguments(running, "kubia")
    link, clone = deployment.spec.template.spec.initContainers
    assert {"--ref=v2", "--one-time"} <= set(clone.args)
    assert link.command[-2:] == ["git/current/docs/public", "/usr/share/nginx/html"]
    assert running.get(WebsiteResource, "kubia").status["replicas"] == 3


def test_a_website_of_no_replicas_is_not_ready_and_says_why(running):
    running.create("kubia", replicas=0)
    eventually(lambda: running.get(Service, "kubia-website"))

    assert eventually(lambda: running.condition("kubia"))["reason"] == "ScaledToZero"
    assert running.get(Deployment, "kubia-website").spec.replicas == 0


def test_a_deleted_child_is_created_again(running):
    running.create("kubia", host="kubia.example.com")
    running.wait_ready("kubia")
    for kind in (Deployment, Service, Ingress):
        old = running.get(kind, "kubia-website").metadata.uid
        running.api.delete(kind, "kubia-website", namespace=running.namespace)

        def again(kind=kind, old=old):
            assert running.get(kind, "kubia-website").metadata.uid != old

        eventually(again)


def test_a_child_edited_by_hand_is_repaired(running):
    running.create("kubia")
    running.wait_ready("kubia")
    edits = {
        Deployment: {"spec": {"replicas": 4, "template": {"spec": {"automountServiceAccountToken": True}}}},
        Service: {"spec": {"type": "ClusterIP", "ports": [{"port": 81, "name": "other", "targetPort": 1}]}},
    }
    for kind, edit in edits.items():
        running.api.patch(kind, "kubia-website", edit, namespace=running.namespace)

    def repaired():
        deployment = running.get(Deployment, "kubia-website")
        assert deployment.spec.replicas == 1
        assert deployment.spec.template.spec.automountServiceAccountToken is False
        service = running.get(Service, "kubia-website")
        assert service.spec.type == "NodePort"
        assert (80, "http") in [(p.port, p.targetPort) for p in service.spec.ports]

    eventually(repaired)


def test_a_child_that_lost_its_labels_by_hand_gets_them_back(running):
    running.create("kubia")
    running.wait_ready("kubia")
    labels = dict.fromkeys(running.get(Service, "kubia-website").metadata.labels)
    running.api.patch(Service, "kubia-website", {"metadata": {"labels": labels}}, namespace=running.namespace)

    def labelled():
        found = running.get(Service, "kubia-website").metadata.labels or {}
        assert found.keys() == labels.keys()

    eventually(labelled)


def test_a_deleted_website_takes_its_children_along(running):
    running.create("kubia", host="kubia.example.com")
    running.wait_ready("kubia")
    running.api.delete(WebsiteResource, "kubia", namespace=running.namespace)

    def gone():
        assert all(running.missing(kind, "kubia-website") for kind in (Deployment, Service, Ingress))

    eventually(gone)


def test_a_website_deleted_and_made_again_at_once_gets_children_of_its_own(running):
    running.create("kubia")
    running.wait_ready("kubia")
    running.api.delete(WebsiteResource, "kubia", namespace=running.namespace)
    website = running.create("kubia")

    def own():
        assert running.condition("kubia")["status"] == "True"
        for kind in (Deployment, Service):
            owners = running.get(kind, "kubia-website").metadata.ownerReferences
            assert [o.uid for o in owners] == [website.metadata.uid]

    eventually(own)


def test_the_ingress_comes_and_goes_with_the_host(running):
    running.create("kubia")
    running.wait_ready("kubia")
    running.patch("kubia", host="kubia.example.com")
    running.wait_ready("kubia")
    ingress = running.get(Ingress, "kubia-website")
    assert [rule.host for rule in ingress.spec.rules] == ["kubia.example.com"]
    assert running.get(WebsiteResource, "kubia").status["url"] == "https://kubia.example.com"

    running.patch("kubia", host=None)

    def gone():
        assert running.missing(Ingress, "kubia-website")
        assert running.get(WebsiteResource, "kubia").status["url"].startswith("http://kubia-website.")

    eventually(gone)


def test_the_controller_ends_by_itself_when_it_is_told_to(running):
    running.create("kubia")
    running.wait_ready("kubia")
    assert running.stop(signal.SIGTERM) == [0]
    assert running.messages()[-1]["message"] == "stopped"


def test_scaling_a_website_by_its_scale_subresource_scales_its_pods(running):
    running.create("kubia")
    running.wait_ready("kubia")
    scale = running.get(WebsiteResource.Scale, "kubia")
    assert scale.status.selector == (
        "app.kubernetes.io/component=web,app.kubernetes.io/instance=kubia,app.kubernetes.io/name=website"
    )
    running.patch("kubia", WebsiteResource.Scale, replicas=2)
    running.wait_ready("kubia")
    assert running.get(Deployment, "kubia-website").spec.replicas == 2


def test_a_label_that_somebody_else_adds_to_a_child_stays(running):
    running.create("kubia")
    running.wait_ready("kubia")
    metadata = ObjectMeta(labels={"team": "web"})
    running.api.patch(Service, "kubia-website", {"metadata": metadata.to_dict()}, namespace=running.namespace)
    running.patch("kubia", replicas=2)
    running.wait_ready("kubia")
    assert running.get(Service, "kubia-website").metadata.labels["team"] == "web"
