"""The Zalando operator's published chart, rolled out from its packed file by the program itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integration.stack.checkout import Checkout


def test_the_chart_is_rolled_out_and_the_database_declared_after_it(rolled_out: Checkout) -> None:
    operator = rolled_out.get("deployment", "postgres-operator", "postgres-operator")
    assert operator["status"]["availableReplicas"] == 1
    (container,) = operator["spec"]["template"]["spec"]["containers"]
    assert container["image"].endswith("/postgres-operator:v1.15.1")
    # What the chart has no value for.
    assert operator["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 10
    made = rolled_out.get("crd", "postgresqls.acid.zalan.do")["metadata"]["creationTimestamp"]
    database = rolled_out.get("postgresql", "pgsql-cluster", "postgres")
    assert database["metadata"]["creationTimestamp"] >= made


def test_the_operators_configuration_is_ours_where_its_defaults_are_not(rolled_out: Checkout) -> None:
    configuration = rolled_out.get("operatorconfiguration", "postgres-operator", "postgres-operator")["configuration"]
    kubernetes = configuration["kubernetes"]
    assert configuration["kubernetes_use_configmaps"] is False
    assert configuration["enable_crd_registration"] is False
    assert configuration["resync_period"] == "2m"
    assert configuration["timeouts"]["pod_deletion_wait_timeout"] == "60s"
    wanted = {
        "enable_pod_antiaffinity": True,
        "enable_persistent_volume_claim_deletion": True,
        "enable_owner_references": True,
        "enable_finalizers": False,
        "watched_namespace": "postgres",
    }
    assert {key: kubernetes[key] for key in wanted} == wanted
