"""Rules that hold for every component and every environment."""

from collections.abc import Iterator
from typing import Any

import pytest

from components import versions
from components.base import Component
from tests.unit.declared import Declared, Resource, declare, everything, stack_file

# Part of every URN: a changed token replaces all that stands below it. Add, never edit.
TOKENS = {
    "Cluster": "platform:cluster:Cluster",
    "Calico": "platform:calico:Calico",
    "Longhorn": "platform:longhorn:Longhorn",
    "Postgres": "platform:postgres:Postgres",
    "Redis": "platform:redis:Redis",
    "Websites": "platform:websites:Websites",
    "Memcached": "platform:memcached:Memcached",
    "Samples": "platform:samples:Samples",
    "Protection": "platform:protection:Protection",
}
# Kinds whose deletion or replacement loses data, or the network of every pod.
HOLDS_STATE = {
    "Installation",
    "StorageClass",
    "postgresql",
    "StatefulSet",
    "CustomResourceDefinition",
}


@pytest.fixture(params=["dev", "staging", "prod"])
def environment(request: pytest.FixtureRequest) -> Declared:
    return request.getfixturevalue(request.param)


def test_every_component_has_its_frozen_token(prod: Declared) -> None:
    declared = {resource.type for resource in prod.resources if resource.type.startswith("platform:")}
    assert declared == set(TOKENS.values())
    assert {cls.__name__ for cls in Component.__subclasses__()} == set(TOKENS)


def test_every_object_bears_the_common_labels(environment: Declared) -> None:
    for resource in environment.objects():
        labels = resource.inputs["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "platform", resource.urn
        assert labels["app.kubernetes.io/managed-by"] == "pulumi", resource.urn
        for key in ("name", "instance", "component"):
            assert labels[f"app.kubernetes.io/{key}"], resource.urn


def test_every_object_has_a_fixed_name_and_the_parent_that_declared_it(environment: Declared) -> None:
    for resource in environment.objects():
        assert resource.object_name, resource.urn
        assert "platform:" in resource.parent, resource.urn


def test_no_object_is_declared_twice(environment: Declared) -> None:
    keys = [(r.kind, r.inputs["metadata"].get("namespace"), r.object_name) for r in environment.objects()]
    assert len(keys) == len(set(keys))


def test_nothing_is_made_before_the_cluster_is_known_to_be_ours(environment: Declared) -> None:
    (owner,) = [r for r in environment.objects() if r.object_name == "platform-owner"]
    assert owner.hooks == ("one-stack-a-cluster",)
    for component in environment.resources:
        if component.type in TOKENS.values() and component.type != "platform:cluster:Cluster":
            assert owner.urn in component.depends_on, component.urn


def _guarded(declared: Declared) -> Iterator[Resource]:
    for resource in declared.resources:
        if resource.kind in {*HOLDS_STATE, "Namespace"}:
            yield resource


@pytest.mark.parametrize("name", ["staging", "prod"])
def test_what_holds_data_is_protected_outside_dev(name: str, request: pytest.FixtureRequest) -> None:
    guarded = list(_guarded(request.getfixturevalue(name)))
    assert {resource.kind for resource in guarded} == {*HOLDS_STATE, "Namespace"}
    assert [resource.urn for resource in guarded if not resource.protect] == []


def test_the_protection_of_the_stack_depends_on_all_of_it(prod: Declared) -> None:
    (protection,) = prod.of_type("platform:protection:Protection")
    assert protection.protect
    rest = {resource.urn for resource in prod.resources if resource.custom}
    assert rest - set(protection.depends_on) == set()


def test_nothing_is_protected_in_dev(dev: Declared) -> None:
    assert [resource.urn for resource in dev.resources if resource.protect] == []


def test_volumes_outlive_their_stateful_set_outside_dev(dev: Declared, prod: Declared) -> None:
    def retention(declared: Declared) -> str:
        return declared.object("StatefulSet", "redis-sfs").inputs["spec"]["persistentVolumeClaimRetentionPolicy"][
            "whenDeleted"
        ]

    assert (retention(dev), retention(prod)) == ("Delete", "Retain")


def test_every_namespace_enforces_a_pod_security_standard(prod: Declared) -> None:
    levels = {
        r.object_name: r.inputs["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        for r in prod.objects()
        if r.kind == "Namespace"
    }
    assert levels == {
        "tigera-operator": "privileged",
        "longhorn-system": "privileged",
        "postgres-operator": "baseline",
        "postgres": "baseline",
        "redis": "restricted",
        "websites": "restricted",
        "website-system": "restricted",
        "memcached": "restricted",
        "memcached-system": "restricted",
        "samples": "restricted",
    }


def test_every_custom_resource_waits_for_the_operator_that_knows_its_kind(prod: Declared) -> None:
    charts = {chart.name: chart.urn for chart in prod.of_type("kubernetes:helm.sh/v4:Chart")}
    needs = {
        ("Installation", "default"): "tigera-operator",
        ("postgresql", "pgsql-cluster"): "postgres-operator",
        ("RecurringJob", "nightly-backup"): "longhorn",
        ("StorageClass", "longhorn-r3-v1"): "longhorn",
    }
    for (kind, name), chart in needs.items():
        # A component stands for its children in dependencies, and a remote one for itself.
        assert charts[chart] in prod.object(kind, name).depends_on, (kind, name)


def test_websites_wait_for_their_crd_and_their_controller(dev: Declared) -> None:
    controller = dev.object("Deployment", "website-controller")
    crd = dev.object("CustomResourceDefinition", "websites.extensions.example.com")
    assert controller.urn in dev.object("Website", "kubia").depends_on
    assert crd.urn in controller.depends_on


def test_memcacheds_wait_for_their_crd_and_their_controller(dev: Declared) -> None:
    controller = dev.object("Deployment", "memcached-controller")
    crd = dev.object("CustomResourceDefinition", "memcacheds.cache.example.com")
    assert controller.urn in dev.object("Memcached", "memcached-sample").depends_on
    assert crd.urn in controller.depends_on


def test_samples_and_their_watcher_wait_for_the_crd_and_the_watcher_for_its_rights(dev: Declared) -> None:
    crd = dev.object("CustomResourceDefinition", "samples.bookofkubernetes.com")
    watch = dev.object("Deployment", "watch")
    assert crd.urn in dev.object("Sample", "somedata").depends_on
    assert dev.object("RoleBinding", "viewer").urn in watch.depends_on


@pytest.mark.parametrize(("namespace", "name"), [("memcached-system", "memcached-controller"), ("samples", "watch")])
def test_a_controller_reaches_the_api_server_only_and_shows_its_metrics(
    dev: Declared, namespace: str, name: str
) -> None:
    policy, deployment = dev.object("NetworkPolicy", name).inputs, dev.object("Deployment", name).inputs
    assert policy["metadata"]["namespace"] == namespace
    assert policy["spec"]["podSelector"] == deployment["spec"]["selector"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (port,) = container["ports"]
    assert policy["spec"]["ingress"] == [{"ports": [{"port": port["containerPort"], "protocol": "TCP"}]}]
    assert [rule["port"] for rule in policy["spec"]["egress"][0]["ports"]] == [6443, 443]


def test_charts_are_pinned_and_an_environment_may_run_ahead(staging: Declared, prod: Declared) -> None:
    def pins(declared: Declared) -> dict[str, Any]:
        return {c.name: c.inputs["version"] for c in declared.of_type("kubernetes:helm.sh/v4:Chart")}

    pinned = {
        release.chart: release.version
        for release in (
            versions.TIGERA_OPERATOR,
            versions.CALICO_CRDS,
            versions.LONGHORN,
            versions.POSTGRES_OPERATOR,
        )
    }
    assert pins(prod) == pinned
    assert pins(staging) == {**pinned, "longhorn": "1.12.1"}


def test_a_local_chart_needs_no_repository() -> None:
    sections = stack_file("prod")
    sections["postgres"]["chart"] = {"path": "./postgres-operator-2.0.1.tgz"}
    (chart,) = [c for c in declare(sections).of_type("kubernetes:helm.sh/v4:Chart") if c.name == "postgres-operator"]
    assert chart.inputs["chart"] == "./postgres-operator-2.0.1.tgz"
    assert "repositoryOpts" not in chart.inputs
    assert "version" not in chart.inputs


def test_storage_classes_have_versioned_names_where_longhorn_owns_its_own(prod: Declared) -> None:
    assert prod.object("StorageClass", "longhorn-r3-v1")
    assert prod.object("postgresql", "pgsql-cluster").inputs["spec"]["volume"]["storageClass"] == "longhorn-r3-v1"


@pytest.mark.parametrize(("nodes", "copies"), [(1, "1"), (2, "2"), (3, "3"), (9, "3")])
def test_volumes_have_no_more_copies_than_there_are_nodes(nodes: int, copies: str) -> None:
    sections = stack_file("dev")
    sections["cluster"]["nodes"] = nodes
    storage = declare(sections).object("StorageClass", "longhorn")
    assert storage.inputs["parameters"]["numberOfReplicas"] == copies


def test_spread_over_zones_is_declared_only_to_operators_that_know_it(dev: Declared, prod: Declared) -> None:
    assert "topologySpreadConstraints" not in dev.object("postgresql", "pgsql-cluster").inputs["spec"]
    zones, hosts = prod.object("postgresql", "pgsql-cluster").inputs["spec"]["topologySpreadConstraints"]
    assert zones["topologyKey"] == "topology.kubernetes.io/zone"
    assert hosts["whenUnsatisfiable"] == "DoNotSchedule"


def test_prepared_databases_and_lines_of_access_are_the_operators_own(dev: Declared) -> None:
    assert "preparedDatabases" not in dev.object("postgresql", "pgsql-cluster").inputs["spec"]
    spec = declare(everything()).object("postgresql", "pgsql-cluster").inputs["spec"]
    data = {"defaultRoles": True, "defaultUsers": False}
    shop = {"defaultUsers": True, "extensions": {"citext": "public"}, "schemas": {"data": data}}
    assert spec["preparedDatabases"] == {"shop": shop}
    assert spec["patroni"]["pg_hba"] == ["local all all trust", "hostssl all all all scram-sha-256"]


def test_the_poolers_image_is_named_where_there_is_a_pooler() -> None:
    sections = stack_file("dev")
    sections["postgres"]["pooler"] = {"resources": {"cpu": "50m", "memory": "64Mi"}}
    spec = declare(sections).object("postgresql", "pgsql-cluster").inputs["spec"]
    assert spec["connectionPooler"]["dockerImage"] == "sandbox.local/pgbouncer:1.18"
    resources = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}}
    assert spec["connectionPooler"]["resources"] == resources
    assert spec["enableReplicaConnectionPooler"] is True


def test_a_certificate_reaches_database_and_pooler_with_a_group_that_may_read_its_key(dev: Declared) -> None:
    assert "tls" not in dev.object("postgresql", "pgsql-cluster").inputs["spec"]
    sections = stack_file("dev")
    sections["postgres"]["tls"] = {"secret": "pgsql-tls"}
    spec = declare(sections).object("postgresql", "pgsql-cluster").inputs["spec"]
    assert (spec["tls"], spec["spiloFSGroup"]) == ({"secretName": "pgsql-tls", "caFile": "ca.crt"}, 103)
    assert spec["podAnnotations"] == {"platform/tls": "pgsql-tls ca.crt 103"}


def test_passwords_change_as_the_operator_is_told_by_user_and_in_days(dev: Declared) -> None:
    assert "configUsers" not in chart_values(dev)
    sections = stack_file("dev")
    sections["postgres"]["users"] = {"dbuser": [], "shop": [], "report": []}
    rotation = {"users": ["shop"], "inPlaceUsers": ["dbuser", "pooler"], "ignoredUsers": ["report"]}
    sections["postgres"]["passwordRotation"] = {**rotation, "allUsers": True, "interval": 30, "retention": 60}
    declared = declare(sections)
    spec = declared.object("postgresql", "pgsql-cluster").inputs["spec"]
    assert spec["usersWithSecretRotation"] == ["shop"]
    assert spec["usersWithInPlaceSecretRotation"] == ["dbuser", "pooler"]
    assert spec["usersIgnoringSecretRotation"] == ["report"]
    assert chart_values(declared)["configUsers"] == {
        "enable_password_rotation": True,
        "password_rotation_interval": 30,
        "password_rotation_user_retention": 60,
    }


def chart_values(declared: Declared) -> dict[str, Any]:
    (chart,) = [c for c in declared.of_type("kubernetes:helm.sh/v4:Chart") if c.name == "postgres-operator"]
    return chart.inputs["values"]


def test_pooler_and_backup_appear_when_configured(dev: Declared, prod: Declared) -> None:
    off, on = (d.object("postgresql", "pgsql-cluster").inputs["spec"] for d in (dev, prod))
    assert (off["enableConnectionPooler"], off["enableLogicalBackup"]) == (False, False)
    assert "connectionPooler" not in off
    assert on["connectionPooler"] == {"numberOfInstances": 3, "mode": "transaction", "maxDBConnections": 60}
    assert prod.exports["postgres"]["poolerHost"] == "pgsql-cluster-pooler.postgres.svc.cluster.local"
    assert prod.exports["postgres"]["poolerReplicaHost"] == "pgsql-cluster-pooler-repl.postgres.svc.cluster.local"
    assert dev.exports["postgres"]["poolerHost"] is None
    assert on["logicalBackupSchedule"] == "30 0 * * *"
    assert on["logicalBackupRetention"] == "3 months"


def test_the_operator_that_we_install_knows_where_backups_go(prod: Declared) -> None:
    (chart,) = [c for c in prod.of_type("kubernetes:helm.sh/v4:Chart") if c.name == "postgres-operator"]
    assert chart.inputs["values"]["configLogicalBackup"] == {
        "logical_backup_s3_bucket": "example-prod-postgres",
        "logical_backup_s3_region": "eu-central-1",
        "logical_backup_cronjob_environment_secret": "postgres-backup",
    }


def test_an_owners_secret_is_exported_as_the_operator_names_it() -> None:
    sections = stack_file("dev")
    sections["postgres"].update(users={"shop_app": []}, databases={"orders": "shop_app"})
    secret = declare(sections).exports["postgres"]["credentialsSecret"]
    assert secret["name"] == "shop-app.pgsql-cluster.credentials.postgresql.acid.zalan.do"
