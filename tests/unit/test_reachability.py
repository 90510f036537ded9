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
from tests.unit.declared import Declared, declare, stack_file, with_shop
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
    "shop's postgres": Endpoint("shop's postgres", "postgres", {"application": "spilo", "cluster-name": "shop"}),
    "shop's pooler": Endpoint(
        "shop's pooler", "postgres", {"application": "db-connection-pooler", "cluster-name": "shop"}
    ),
    "postgres operator": Endpoint("postgres operator", "postgres-operator", {"app.kubernetes.io/name": "operator"}),
    "memcached": Endpoint("memcached", "memcached", {"app.kubernetes.io/name": "memcached"}),
    "website": Endpoint("website", "websites", website_labels("kubia")),
    "postgres client": Endpoint("postgres client", "shop", {"platform/postgres-client": "true"}),
    "shop's postgres client": Endpoint("shop's postgres client", "shop", {"platform/postgres-shop-client": "true"}),
    "redis client": Endpoint("redis client", "shop", {"platform/redis-client": "true"}),
    "memcached client": Endpoint("memcached client", "shop", {"platform/memcached-client": "true"}),
    "stranger": Endpoint("stranger", "shop", {"app": "stranger"}),
    "dns": Endpoint("dns", "kube-system", {"k8s-app": "kube-dns"}),
    "outside": Endpoint("outside"),
}
CONTROLLERS = {"watch", "website-controller", "memcached-controller", "redis-controller"}
EVERYBODY = frozenset({"redis-sfs", "redis-backup", *CONTROLLERS, *OTHERS})
# Their policies let them out to nothing but what is named for them.
OF_POSTGRES = {"postgres", "shop's postgres", "shop's pooler", "postgres operator"}
BOUND = {"redis-sfs", "memcached", "website", *OF_POSTGRES, *CONTROLLERS}
FREE = EVERYBODY - BOUND
# Where Websites' pods report their commits to; their policy knows its port, not its namespace.
REPORTING = FREE | {"website"}
OF_REDIS = {"redis client", "redis-sfs", "redis-controller", "redis-backup"}

# (who listens, port): who may come.
MATRIX: dict[tuple[str, int], set[str] | frozenset[str]] = {
    ("postgres", 5432): {"postgres client", "postgres operator", "postgres"},
    ("postgres", 8008): {"postgres operator", "postgres"},
    ("shop's postgres", 5432): {"shop's postgres client", "postgres operator", "shop's postgres", "shop's pooler"},
    ("shop's postgres", 8008): {"postgres operator", "shop's postgres", "shop's pooler"},
    ("shop's pooler", 5432): {"shop's postgres client", "postgres operator", "shop's postgres", "shop's pooler"},
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
    ("outside", 6443): FREE | CONTROLLERS | OF_POSTGRES,
    ("outside", 443): EVERYBODY - {"memcached", "redis-sfs"},
    ("outside", 80): FREE,
    ("dns", 53): FREE | {"website", "redis-sfs", "redis-controller", *OF_POSTGRES},
    ("postgres operator", 8080): set(),
}


@pytest.fixture(scope="module")
def prod() -> Declared:
    """Production with a further PostgreSQL cluster, which has a pooler and no backup."""
    return declare(with_shop(stack_file("prod"), pooler={}), stack_name="prod")


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
    ours = EVERYBODY - {
        "postgres client",
        "shop's postgres client",
        "redis client",
        "memcached client",
        "stranger",
        "dns",
        "outside",
    }
    stranger = endpoints["stranger"]
    open_to_strangers = {name for name in ours if allows(policies, stranger, endpoints[name], 22)}
    # A backup listens on nothing.
    assert open_to_strangers == {"redis-backup"}


@pytest.mark.parametrize("namespace", ["websites", "memcached", "samples", "website-system", "memcached-system"])
def test_a_pod_that_no_policy_knows_reaches_nothing_and_is_reached_by_nobody(
    policies: list[Policy], endpoints: dict[str, Endpoint], namespace: str
):
    unknown = Endpoint("unknown", namespace, {"app": "unknown"})
    for other in endpoints.values():
        assert not allows(policies, other, unknown, 80)
        assert not allows(policies, unknown, other, 443)


def test_the_operators_that_use_the_hosts_network_are_the_only_ones_without_a_policy(
    prod: Declared, policies: list[Policy]
):
    namespaces = {resource.object_name for resource in prod.objects() if resource.kind == "Namespace"}
    isolated = {policy["metadata"]["namespace"] for policy in policies}
    # Tigera's operator and Calico run on the nodes' network, which policies don't bind; Longhorn's chart has its own.
    assert namespaces - isolated == {"tigera-operator", "longhorn-system"}
