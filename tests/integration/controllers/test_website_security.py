"""The pods of a Website under Pod Security, and the rights of its controller."""

from contextlib import closing
from typing import Any

import pytest
from lightkube import Client
from lightkube.config import client_adapter
from lightkube.models.authorization_v1 import ResourceAttributes, SelfSubjectAccessReviewSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.authorization_v1 import SelfSubjectAccessReview
from lightkube.resources.core_v1 import Namespace
from website_harness import GIT_REPO

from controllers.runtime.connection import load_config
from controllers.website import manifests, publishing
from controllers.website.model import Website
from controllers.website.pods import PodOptions, pod_template
from controllers.website.rbac import NAMESPACE_RULES

OPTIONS = PodOptions(
    nginx="registry.example.com/nginx:1",
    git_sync="registry.example.com/git-sync:v4",
    report_url="http://website-controller.website-system:8080",
)
PRIVATE = {
    "https": {"credentialsSecret": "git"},
    "ssh": {"credentialsSecret": "git", "gitRepo": "git@git.example.com:group/site.git"},
    "resources": {"resources": {"requests": {"cpu": "1m", "memory": 1048576}, "limits": {"memory": "64Mi"}}},
    "public": {},
}


@pytest.fixture
def http(cluster):
    """The API server by plain HTTP, since lightkube doesn't show an answer's warnings."""
    with client_adapter.Client(load_config(cluster.kubeconfig), client_adapter.ConnectionParams()) as client:
        yield client


@pytest.fixture
def restricted(lab):
    """A namespace in which Pod Security refuses and warns of what isn't ``restricted``."""
    modes = ("enforce", "warn", "audit")
    labels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in modes}
    lab.api.patch(Namespace, lab.namespace, {"metadata": {"labels": labels}})
    return lab


def website(namespace, **spec):
    metadata = {
        "name": "kubia",
        "namespace": namespace,
        "uid": "00000000-0000-4000-8000-000000000000",
        "generation": 1,
        "creationTimestamp": "2026-08-01T12:00:00Z",
    }
    defaults = {"ref": "HEAD", "path": "docs", "replicas": 2, "syncPeriod": "60s", "serviceType": "NodePort"}
    return Website.from_object({"metadata": metadata, "spec": {"gitRepo": GIT_REPO, **defaults, **spec}})


def as_pod(template) -> dict[str, Any]:
    content = template.to_dict()
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**content["metadata"], "name": "kubia"},
        "spec": content["spec"],
    }


def dry_run(http, path, body):
    return http.post(path, params={"dryRun": "All", "fieldValidation": "Strict"}, json=body)


@pytest.mark.parametrize("spec", PRIVATE.values(), ids=PRIVATE.keys())
def test_the_pod_template_passes_restricted_pod_security_without_a_warning(restricted, http, spec):
    pod = as_pod(pod_template(website(restricted.namespace, **spec), OPTIONS))
    answer = dry_run(http, f"/api/v1/namespaces/{restricted.namespace}/pods", pod)
    assert answer.status_code == 201, answer.text
    assert "Warning" not in answer.headers


def test_pod_security_would_refuse_a_template_with_one_right_more(restricted, http):
    pod = as_pod(pod_template(website(restricted.namespace), OPTIONS))
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    answer = dry_run(http, f"/api/v1/namespaces/{restricted.namespace}/pods", pod)
    assert answer.status_code == 403
    assert "allowPrivilegeEscalation" in answer.text


def test_every_child_passes_strict_validation_without_a_warning(restricted, http):
    site = website(restricted.namespace)
    base = f"namespaces/{restricted.namespace}"
    for path, item in {
        f"/apis/apps/v1/{base}/deployments": manifests.deployment(site, OPTIONS),
        f"/api/v1/{base}/services": manifests.service(site),
        f"/apis/networking.k8s.io/v1/{base}/networkpolicies": manifests.network_policy(site, OPTIONS),
        f"/apis/networking.k8s.io/v1/{base}/ingresses": publishing.ingress(site, "kubia.example.com"),
        f"/apis/policy/v1/{base}/poddisruptionbudgets": manifests.disruption_budget(site),
    }.items():
        answer = dry_run(http, path, item.to_dict())
        assert answer.status_code == 201, answer.text
        assert "Warning" not in answer.headers


def test_a_website_runs_in_a_restricted_namespace(restricted):
    restricted.start()
    restricted.create("kubia", host="kubia.example.com")
    restricted.wait_ready("kubia")
    assert restricted.get(Deployment, "kubia-website").status.readyReplicas == 1


@pytest.fixture
def may(lab):
    """Ask the API server whether the controller's ServiceAccount may do something."""
    with closing(Client(load_config(lab.kubeconfig))) as client:

        def ask(verb, group, resource, namespace=lab.namespace):
            resource, _, subresource = resource.partition("/")
            attributes = ResourceAttributes(
                verb=verb, group=group, resource=resource, subresource=subresource, namespace=namespace
            )
            spec = SelfSubjectAccessReviewSpec(resourceAttributes=attributes)
            answer: Any = client.create(SelfSubjectAccessReview(metadata=ObjectMeta(), spec=spec))
            return answer.status.allowed

        yield ask


def test_the_controller_may_do_what_its_rules_say(may):
    for rule in NAMESPACE_RULES:
        for verb in rule.verbs:
            assert may(verb, rule.api_groups[0], rule.resources[0])


@pytest.mark.parametrize(
    ("verb", "group", "resource"),
    [
        ("get", "", "secrets"),
        ("get", "extensions.example.com", "websites"),
        ("get", "", "pods"),
        ("delete", "networking.k8s.io", "networkpolicies"),
        ("delete", "coordination.k8s.io", "leases"),
        ("create", "", "pods"),
        ("create", "", "pods/exec"),
        ("delete", "apps", "deployments"),
        ("delete", "", "services"),
        ("patch", "extensions.example.com", "websites"),
        ("create", "rbac.authorization.k8s.io", "rolebindings"),
    ],
)
def test_the_controller_may_not_do_more(may, verb, group, resource):
    assert not may(verb, group, resource)


def test_the_controller_may_do_nothing_in_other_namespaces(may):
    assert not may("list", "extensions.example.com", "websites", namespace="kube-system")
    assert not may("create", "apps", "deployments", namespace="")
