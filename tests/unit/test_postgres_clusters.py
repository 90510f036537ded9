"""Further PostgreSQL clusters: each of its own settings, under one operator, and nothing to the main one."""

from typing import Any

from tests.unit.declared import Declared, Resource, declare, stack_file, with_shop

MOMENT = "2026-11-22T08:00:00+00:00"
# Part of every URN: another name deletes the database and makes an empty one. Add, never edit.
RESOURCES = {
    ("kubernetes:core/v1:Namespace", "postgres"),
    ("kubernetes:core/v1:Namespace", "postgres-operator"),
    ("kubernetes:helm.sh/v4:Chart", "postgres-operator"),
    ("kubernetes:networking.k8s.io/v1:NetworkPolicy", "pgsql-cluster"),
    ("kubernetes:networking.k8s.io/v1:NetworkPolicy", "postgres-operator"),
    ("kubernetes:acid.zalan.do/v1:postgresql", "cluster"),
}
SHOPS = {
    ("kubernetes:networking.k8s.io/v1:NetworkPolicy", "clusters.shop"),
    ("kubernetes:acid.zalan.do/v1:postgresql", "clusters.shop"),
}


def of_postgres(declared: Declared) -> dict[tuple[str, str], Resource]:
    return {(each.type, each.name): each for each in declared.resources if each.parent.endswith("Postgres::postgres")}


def spec(declared: Declared, name: str = "shop") -> dict[str, Any]:
    return declared.object("postgresql", name).inputs["spec"]


def test_a_stack_without_further_clusters_declares_what_it_always_did(prod: Declared) -> None:
    assert set(of_postgres(prod)) == RESOURCES
    # Of the whole namespace, with a client label that names no cluster.
    policy = prod.object("NetworkPolicy", "pgsql-cluster").inputs["spec"]
    assert policy["podSelector"] == {}
    assert policy["ingress"][1]["from"][0] == {"podSelector": {}}
    assert policy["egress"][0]["to"] == [{"podSelector": {}}]
    assert policy["ingress"][0]["from"] == [
        {"namespaceSelector": {}, "podSelector": {"matchLabels": {"platform/postgres-client": "true"}}}
    ]


def test_a_further_cluster_changes_nothing_of_what_is_there_but_whose_pods_the_main_policy_is(prod: Declared) -> None:
    before, after = of_postgres(prod), of_postgres(declare(with_shop(stack_file("prod")), stack_name="prod"))
    assert set(after) == RESOURCES | SHOPS
    changed = {key for key, resource in before.items() if _facts(resource) != _facts(after[key])}
    assert changed == {("kubernetes:networking.k8s.io/v1:NetworkPolicy", "pgsql-cluster")}


def _facts(resource: Resource) -> tuple[object, ...]:
    return resource.urn, resource.inputs, resource.protect, sorted(resource.depends_on)


def test_a_further_cluster_has_the_defaults_of_the_keys_and_nothing_of_the_main_ones() -> None:
    declared = declare(with_shop(stack_file("prod")), stack_name="prod")
    shop, main = spec(declared), spec(declared, "pgsql-cluster")
    assert shop["users"] == {"shop_app": []}
    assert shop["databases"] == {"orders": "shop_app"}
    assert shop["volume"]["size"] == "1Gi"
    assert shop["postgresql"]["parameters"] == {}
    assert shop["patroni"]["synchronous_mode"] is False
    assert not {"connectionPooler", "env", "logicalBackupSchedule"} & set(shop)
    # What the operator and the cluster of Kubernetes are to all.
    assert shop["volume"]["storageClass"] == main["volume"]["storageClass"]
    spread = [each["labelSelector"]["matchLabels"]["cluster-name"] for each in shop["topologySpreadConstraints"]]
    assert spread == ["shop", "shop"]


def test_images_are_the_sections_unless_a_further_cluster_has_its_own() -> None:
    shop = spec(declare(with_shop(stack_file("dev"), pooler={})))
    assert shop["dockerImage"] == "sandbox.local/postgres:15"
    assert shop["connectionPooler"]["dockerImage"] == "sandbox.local/pgbouncer:1.18"
    own = spec(declare(with_shop(stack_file("dev"), image="registry.example.com/shop:1")))
    assert own["dockerImage"] == "registry.example.com/shop:1"


def test_a_further_cluster_is_protected_and_waits_as_the_main_one_does() -> None:
    declared = declare(with_shop(stack_file("prod")), stack_name="prod")
    shop, main = (declared.object("postgresql", name) for name in ("shop", "pgsql-cluster"))
    assert shop.protect
    assert sorted(shop.depends_on) == sorted(main.depends_on)
    assert not declare(with_shop(stack_file("dev"))).object("postgresql", "shop").protect


def test_a_further_cluster_has_an_archive_and_copies_of_its_own() -> None:
    declared = declare(
        with_shop(
            stack_file("prod"),
            walBackup={"bucket": "shops", "endpoint": "https://s3.example.com:9443"},
            copies={"shop-before": {"timestamp": MOMENT}},
        ),
        stack_name="prod",
    )
    copy = declared.object("postgresql", "shop-before")
    assert copy.inputs["spec"]["clone"]["s3_wal_path"] == "s3://shops/spilo/shop/wal/18"
    assert not copy.protect
    assert {each["name"] for each in spec(declared)["env"]} >= {"WAL_S3_BUCKET"}
    policies = {name: declared.object("NetworkPolicy", name).inputs["spec"] for name in ("shop", "pgsql-cluster")}
    pods = {"key": "cluster-name", "values": ["shop", "shop-before"]}
    assert policies["shop"]["podSelector"] == {"matchExpressions": [{**pods, "operator": "In"}]}
    assert policies["pgsql-cluster"]["podSelector"] == {"matchExpressions": [{**pods, "operator": "NotIn"}]}
    storage = {"ports": [{"protocol": "TCP", "port": 9443}]}
    assert storage in policies["shop"]["egress"]
    assert storage not in policies["pgsql-cluster"]["egress"]


def test_dumps_and_passwords_of_a_further_cluster_are_its_own_where_the_operator_is_everybodys() -> None:
    sections = stack_file("prod")
    changes = {"logicalBackup": {"schedule": "5 5 * * *"}, "passwordRotation": {"inPlaceUsers": ["shop_app"]}}
    declared = declare(with_shop(sections, **changes), stack_name="prod")
    shop, main = spec(declared), spec(declared, "pgsql-cluster")
    assert (shop["enableLogicalBackup"], shop["logicalBackupSchedule"]) == (True, "5 5 * * *")
    assert "logicalBackupRetention" not in shop
    assert main["logicalBackupSchedule"] == "30 0 * * *"
    assert shop["usersWithInPlaceSecretRotation"] == ["shop_app"]
    assert "usersWithInPlaceSecretRotation" not in main
    (chart,) = (c for c in declared.of_type("kubernetes:helm.sh/v4:Chart") if c.name == "postgres-operator")
    (before,) = (
        c
        for c in declare(sections, stack_name="prod").of_type("kubernetes:helm.sh/v4:Chart")
        if c.name == "postgres-operator"
    )
    assert chart.inputs == before.inputs


def test_a_further_clusters_connection_is_exported_by_its_name_with_the_keys_of_the_main_one() -> None:
    exported = declare(with_shop(stack_file("dev"))).exports["postgres"]
    assert exported["clusters"] == {
        "shop": {
            "host": "shop.postgres.svc.cluster.local",
            "replicaHost": "shop-repl.postgres.svc.cluster.local",
            "poolerHost": None,
            "poolerReplicaHost": None,
            "port": 5432,
            "database": "orders",
            "user": "shop_app",
            "credentialsSecret": {
                "namespace": "postgres",
                # No Secret may have an underscore in its name.
                "name": "shop-app.shop.credentials.postgresql.acid.zalan.do",
                "usernameKey": "username",
                "passwordKey": "password",
            },
        }
    }
    assert set(exported["clusters"]["shop"]) == set(exported) - {"clusters"}
