"""Who may talk to whom in production: the declared policies, held to a matrix written by hand.

Ports are those behind the Services. That a workload reaches its own port means another pod of the same workload.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from controllers.website import manifests
from controllers.website.model import Website
from controllers.website.names import labels as website_labels
from controllers.website.pods import PodOptions
from tests.unit.declared import Declared
from tests.unit.reachability import Endpoint, Policy, allows

SITE: dict[str, Any] = {
    "apiVersion": "extensions.example.com/v1",
    "kind": "Website",
    "metadata": {
        "name": "kubia",
        "namespace": "websites",
        "uid": "00000000-0000-4000-8000-000000000000",
        "generation": 1,
        "creationTimestamp": "2026-01-01T00:00:00Z",
    },
    # With the defaults of the schema, which the API server fills in.
    "spec": {
        "gitRepo": "https://git.example.com/kubia.git",
        "ref": "HEAD",
        "path": "",
        "replicas": 1,
        "syncPeriod": "30s",
        "serviceType": "NodePort",
    },
}

# Pods that the program doesn't declare itself: made by operators and controllers, or other people's.
OTHERS = {
    "postgres": Endpoint("postgres", "postgres", {"application": "spilo", "cluster-name": "pgsql-cluster"}),
    "postgres operator": Endpoint("postgres operator", "postgres-operator", {"app.kubernetes.io/name": "operator"}),
    "memcached": Endpoint("memcached", "memcached", {"app.kubernetes.io/name": "memcached"}),
    "website": Endpoint("website", "websites", website_labels("kubia")),
    "postgres client": Endpoint("postgres client", "shop", {"platform/postgres-client": "true"}),
    "redis client": Endpoint("redis client", "shop", {"platform/redis-client": "true"}),
    "memcached client": Endpoint("memcached client", "shop", {"platform/memcached-client": "true"}),
    "stranger": Endpoint("stranger", "shop", {"app": "stranger"}),
    "dns": Endpoint("dns", "kube-system", {"k8s-app": "kube-dns"}),
    "outside": Endpoint("outside"),
}
CONTROLLERS = {"watch", "website-controller", "memcached-controller", "redis-controller"}
EVERYBODY = frozenset({"redis-sfs", "redis-backup", *CONTROLLERS, *OTHERS})
# Their policies let them out to nothing but what is named for them.
BOUND = {"redis-sfs", "memcached", "website", *CONTROLLERS}
FREE = EVERYBODY - BOUND
# Where Websites' pods report their commits to; their policy knows its port, not its namespace.
REPORTING = FREE | {"website"}
OF_REDIS = {"redis client", "redis-sfs", "redis-controller", "redis-backup"}

# (who listens, port): who may come.
MATRIX: dict[tuple[str, int], set[str] | frozenset[str]] = {
    ("postgres", 5432): {"postgres client", "postgres operator", "postgres"},
    ("postgres", 8008): {"postgres operator", "postgres"},
    ("redis-sfs", 6379): OF_REDIS,
    # Sentinel, and the exporter's metrics.
    ("redis-sfs", 26379): OF_REDIS,
    ("redis-sfs", 9121): FREE - {"outside"},
    ("memcached", 11211): {"memcached client"},
    ("website", 8080): REPORTING,
    ("website", 9312): set(),
    # Metrics, and the reports.
    ("website-controller", 8080): REPORTING,
    ("memcached-controller", 8080): REPORTING,
    ("redis-controller", 8080): REPORTING,
    ("watch", 8080): REPORTING,
    # The API server, and a Git repository over https.
    ("outside", 6443): FREE | CONTROLLERS,
    ("outside", 443): EVERYBODY - {"memcached", "redis-sfs"},
    ("outside", 80): FREE,
    ("dns", 53): FREE | {"website", "redis-sfs", "redis-controller"},
}


@pytest.fixture(scope="module")
def policies(prod: Declared) -> list[Policy]:
    declared = [resource.inputs for resource in prod.objects() if resource.kind == "NetworkPolicy"]
    site = manifests.network_policy(
        Website.from_object(SITE), PodOptions(nginx="nginx", git_sync="git-sync", report_url="http://controller:8080")
    )
    return [*declared, site.to_dict()]


@pytest.fixture(scope="module")
def endpoints(prod: Declared) -> dict[str, Endpoint]:
    return {**{endpoint.name: endpoint for endpoint in _declared(prod)}, **OTHERS}


def _declared(prod: Declared) -> Iterator[Endpoint]:
    for resource in prod.objects():
        if resource.kind in {"Deployment", "StatefulSet", "CronJob"}:
            spec: Mapping[str, Any] = resource.inputs["spec"]
            template = (spec["jobTemplate"]["spec"] if resource.kind == "CronJob" else spec)["template"]
            ports = {
                port["name"]: port["containerPort"]
                for container in template["spec"]["containers"]
                for port in container.get("ports", [])
            }
            namespace = resource.inputs["metadata"]["namespace"]
            yield Endpoint(resource.object_name, namespace, template["metadata"]["labels"], ports)


def test_the_matrix_speaks_of_every_workload_that_is_declared(endpoints: dict[str, Endpoint]):
    assert set(endpoints) == EVERYBODY


def test_every_port_that_a_workload_declares_is_in_the_matrix(endpoints: dict[str, Endpoint]):
    declared = {(name, port) for name, endpoint in endpoints.items() for port in endpoint.ports.values()}
    assert declared <= set(MATRIX)


@pytest.mark.parametrize(("listener", "port"), MATRIX)
def test_a_port_is_reached_by_those_in_the_matrix_and_by_nobody_else(
    policies: list[Policy], endpoints: dict[str, Endpoint], listener: str, port: int
):
    protocol = "UDP" if port == 53 else "TCP"
    reached = {
        name for name, source in endpoints.items() if allows(policies, source, endpoints[listener], port, protocol)
    }
    assert reached == MATRIX[listener, port]


def test_a_port_that_nobody_offers_is_open_to_nobody_in_the_namespaces_of_ours(
    policies: list[Policy], endpoints: dict[str, Endpoint]
):
    ours = EVERYBODY - {"postgres client", "redis client", "memcached client", "stranger", "dns", "outside"}
    stranger = endpoints["stranger"]
    open_to_strangers = {name for name in ours if allows(policies, stranger, endpoints[name], 22)}
    # The operator's namespace is its publisher's; a backup listens on nothing.
    assert open_to_strangers == {"postgres operator", "redis-backup"}
