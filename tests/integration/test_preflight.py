"""Preflight on a real API server: its connections, and what it says of databases and their copies."""

import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from components.cluster import ClusterSettings
from components.preflight.database import changed_database
from components.preflight.live import PARALLEL, LiveCluster
from components.preflight.removals import removed
from components.settings import parse
from sandbox.cluster import Cluster
from sandbox.toolchain import Toolchain
from tests.integration.sandbox.kubectl import Kubectl
from tests.unit.declared import as_config, declare, stack_file


def test_handshakes_at_once_do_not_set_what_others_are_about_to_send(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []
    really = ssl.SSLContext.set_alpn_protocols

    def counted(context: ssl.SSLContext, protocols: Any) -> None:
        calls.append(protocols)
        really(context, protocols)

    monkeypatch.setattr(ssl.SSLContext, "set_alpn_protocols", counted)
    settings = ClusterSettings(kubeconfig=str(cluster.kubeconfig), context=cluster.context)
    together = Barrier(PARALLEL)
    with LiveCluster(settings) as live, ThreadPoolExecutor(PARALLEL) as workers:

        def ask(_: int) -> bool:
            together.wait()
            return live.get("/version") is not None

        assert all(workers.map(ask, range(PARALLEL)))
    assert calls == [["http/1.1"]]


MOMENT = "2026-11-22T08:00:00+00:00"
SHOP: dict[str, Any] = {
    "version": "15",
    "users": {"shop": []},
    "databases": {"orders": "shop"},
    "volume": {"size": "2Gi"},
    "teamId": "shop",
}


@pytest.fixture(scope="module")
def live(cluster: Cluster, toolchain: Toolchain) -> Iterator[LiveCluster]:
    """A cluster in whose namespace `restored` a database, a copy of it, and a further one are declared."""
    kubectl = Kubectl(cluster, toolchain)
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "restored"}})
    databases = declare(_sections(copies={"pgsql-before": {"timestamp": MOMENT}}, clusters={"shop": SHOP}))
    kubectl.apply(*(dict(each.inputs) for each in databases.of_type("kubernetes:acid.zalan.do/v1:postgresql")))
    with LiveCluster(ClusterSettings(kubeconfig=str(cluster.kubeconfig), context=cluster.context)) as live:
        yield live
    kubectl("delete", "namespace", "restored", "--wait=false")


@pytest.fixture
def operator(live: LiveCluster, cluster: Cluster, toolchain: Toolchain) -> Iterator[str]:
    """The namespace of an operator that a stack installed by its chart, whose configuration comes with it."""
    kubectl, home = Kubectl(cluster, toolchain), "operator-home"
    labels = {"app.kubernetes.io/part-of": "platform", "app.kubernetes.io/managed-by": "pulumi"}
    kubectl.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": home, "labels": labels}},
        {
            "apiVersion": "acid.zalan.do/v1",
            "kind": "OperatorConfiguration",
            "metadata": {"name": "postgres-operator", "namespace": home},
            "configuration": {},
        },
    )
    yield home
    kubectl("delete", "namespace", home)


def _sections(**postgres: Any) -> dict[str, Any]:
    dev = stack_file("dev")
    changes = {"namespace": "restored", "walBackup": {"bucket": "backups"}, "clusters": {"shop": SHOP}, **postgres}
    return {**dev, "protect": "true", "postgres": {**dev["postgres"], **changes}}


def _refusals(live: LiveCluster, **postgres: Any) -> list[str]:
    return [*changed_database(parse(as_config(_sections(**postgres))), live)]


def test_a_copy_may_stay_and_go_where_data_is_protected(live: LiveCluster) -> None:
    assert _refusals(live, copies={"pgsql-before": {"timestamp": MOMENT}}) == []
    assert _refusals(live, copies={}) == []
    assert len(_refusals(live, name="pgsql-other")) == 1


def test_a_clone_into_a_cluster_that_exists_is_refused_for_the_operator_ignores_it(live: LiveCluster) -> None:
    (said,) = _refusals(live, clone={"cluster": "pgsql-old", "timestamp": MOMENT})
    assert said.startswith("platform:postgres.clone: pgsql-cluster exists, and the operator fills a cluster")


def test_another_moment_for_a_copy_that_exists_is_refused(live: LiveCluster) -> None:
    (said,) = _refusals(live, copies={"pgsql-before": {"timestamp": "2026-11-22T09:00:00+00:00"}})
    assert said.startswith("platform:postgres.copies.pgsql-before: this copy exists, and is of another moment")


def test_a_further_cluster_may_stay_and_what_it_can_not_become_is_named_by_its_key(live: LiveCluster) -> None:
    assert _refusals(live) == []
    said = _refusals(live, clusters={"shop": {**SHOP, "version": "14", "volume": {"size": "1Gi"}, "teamId": "other"}})
    assert [line.split(" ")[0] for line in said] == [
        "platform:postgres.clusters.shop.teamId",
        "platform:postgres.clusters.shop.version",
        "platform:postgres.clusters.shop.volume.size",
    ]


def test_a_clone_into_a_further_cluster_that_exists_is_refused(live: LiveCluster) -> None:
    clone = {"walBackup": {"bucket": "shops"}, "clone": {"cluster": "pgsql-cluster", "timestamp": MOMENT}}
    (said,) = _refusals(live, clusters={"shop": {**SHOP, **clone}})
    assert said.startswith("platform:postgres.clusters.shop.clone: shop exists, and the operator fills a cluster")


def test_a_further_cluster_that_is_no_longer_declared_is_refused_where_data_is_protected(live: LiveCluster) -> None:
    (said,) = _refusals(live, clusters={"store": SHOP})
    assert said.startswith("platform:postgres.clusters.shop: it is no longer there, and the cluster would be deleted")
    unprotected = parse(as_config({**_sections(clusters={}), "protect": "false"}))
    assert [*changed_database(unprotected, live)] == []


def test_an_operator_that_came_by_its_chart_stays_where_it_is(live: LiveCluster, operator: str) -> None:
    assert _refusals(live, operatorNamespace=operator) == []
    assert _refusals(live, operator="existing", operatorNamespace="elsewhere") == []
    (said,) = _refusals(live, operatorNamespace="elsewhere")
    assert said.startswith(f"platform:postgres.operatorNamespace {operator} -> elsewhere: the chart has objects of the")


def test_the_kind_of_databases_does_not_go_while_others_have_one(
    live: LiveCluster, operator: str, cluster: Cluster, toolchain: Toolchain
) -> None:
    def said(**postgres: Any) -> list[str]:
        return [line for line in removed(parse(as_config(_sections(**postgres))), live) if "the CRD of" in line]

    assert said(enabled=False) == []
    (ours,) = declare(_sections(clusters={})).of_type("kubernetes:acid.zalan.do/v1:postgresql")
    theirs = {**ours.inputs, "metadata": {"name": "pgsql-theirs", "namespace": operator}}
    Kubectl(cluster, toolchain).apply(theirs)
    assert said() == []
    gone = "the CRD of postgresql would be deleted, and with it 1 objects that others made (operator-home/pgsql-theirs)"
    for edit, changes in {
        "enabled true -> false": {"enabled": False},
        "operator chart -> existing": {"operator": "existing"},
    }.items():
        (line,) = said(**changes)
        assert line.startswith(f"platform:postgres.{edit}: {gone}")
