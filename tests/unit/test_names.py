"""The names and numbers that users of the hand-made systems know. Written from their manifests, not from our code."""

from tests.unit.declared import Declared, declare, stack_file


def test_calico_is_the_installation_default_with_the_known_pool(dev: Declared) -> None:
    installation = dev.object("Installation", "default")
    assert installation.inputs["apiVersion"] == "operator.tigera.io/v1"
    (pool,) = installation.inputs["spec"]["calicoNetwork"]["ipPools"]
    assert (pool["cidr"], pool["blockSize"]) == ("172.31.0.0/16", 26)


def test_every_field_of_a_pool_is_declared_so_that_the_operator_adds_none(dev: Declared) -> None:
    (pool,) = dev.object("Installation", "default").inputs["spec"]["calicoNetwork"]["ipPools"]
    assert set(pool) == {
        "name",
        "cidr",
        "blockSize",
        "encapsulation",
        "natOutgoing",
        "nodeSelector",
        "disableBGPExport",
        "disableNewAllocations",
        "allowedUses",
    }


def test_longhorn_is_the_storage_class_longhorn(dev: Declared) -> None:
    storage = dev.object("StorageClass", "longhorn").inputs
    assert storage["provisioner"] == "driver.longhorn.io"
    assert storage["parameters"]["numberOfReplicas"] == "3"
    assert storage["allowVolumeExpansion"] is True


def test_postgres_is_the_known_cluster(dev: Declared) -> None:
    postgresql = dev.object("postgresql", "pgsql-cluster").inputs
    assert postgresql["apiVersion"] == "acid.zalan.do/v1"
    spec = postgresql["spec"]
    assert spec["teamId"] == "pgsql"
    assert spec["volume"] == {"size": "1Gi", "storageClass": "longhorn"}
    assert spec["numberOfInstances"] == 3
    assert spec["users"] == {"dbuser": ["superuser", "createdb"]}
    assert spec["databases"] == {"defaultdb": "dbuser"}
    assert spec["postgresql"]["version"] == "15"


def test_redis_is_the_known_stateful_set_behind_its_headless_service(dev: Declared) -> None:
    servers = dev.object("StatefulSet", "redis-sfs").inputs
    assert servers["spec"]["replicas"] == 3
    assert servers["spec"]["serviceName"] == "redis-sfs"
    assert servers["spec"]["selector"] == {"matchLabels": {"app": "redis-sfs"}}
    assert servers["spec"]["template"]["metadata"]["labels"]["app"] == "redis-sfs"
    service = dev.object("Service", "redis-sfs").inputs
    assert service["spec"]["clusterIP"] == "None"
    assert service["spec"]["selector"] == {"app": "redis-sfs"}
    assert service["spec"]["ports"][0]["port"] == 6379


def test_what_redis_can_never_change_is_there_from_the_first_version(dev: Declared) -> None:
    spec = dev.object("StatefulSet", "redis-sfs").inputs["spec"]
    assert spec["podManagementPolicy"] == "Parallel"
    assert [claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]] == ["data", "sentinel"]


def test_websites_are_the_known_kind_with_kubia(dev: Declared) -> None:
    crd = dev.object("CustomResourceDefinition", "websites.extensions.example.com").inputs["spec"]
    assert (crd["group"], crd["scope"], crd["names"]["kind"]) == ("extensions.example.com", "Namespaced", "Website")
    kubia = dev.object("Website", "kubia").inputs
    assert kubia["apiVersion"] == "extensions.example.com/v1"
    assert kubia["spec"] == {"gitRepo": "https://github.com/luksa/kubia-website-example.git"}


def test_memcached_is_the_known_kind_with_one_sample(dev: Declared) -> None:
    crd = dev.object("CustomResourceDefinition", "memcacheds.cache.example.com").inputs["spec"]
    assert (crd["group"], crd["scope"], crd["names"]["kind"]) == ("cache.example.com", "Namespaced", "Memcached")
    assert [version["name"] for version in crd["versions"]] == ["v1alpha1"]
    sample = dev.object("Memcached", "memcached-sample").inputs
    assert sample["apiVersion"] == "cache.example.com/v1alpha1"
    assert sample["spec"] == {"size": 1}


def test_samples_are_the_known_kind_with_somedata(dev: Declared) -> None:
    crd = dev.object("CustomResourceDefinition", "samples.bookofkubernetes.com").inputs["spec"]
    assert (crd["group"], crd["scope"]) == ("bookofkubernetes.com", "Namespaced")
    assert (crd["names"]["kind"], crd["names"]["shortNames"]) == ("Sample", ["sam"])
    assert dev.object("Sample", "somedata").inputs["spec"] == {"value": 123}


def test_samples_are_watched_by_whom_and_as_what_is_known(dev: Declared) -> None:
    watch = dev.object("Deployment", "watch").inputs["spec"]
    assert watch["replicas"] == 1
    pod = watch["template"]["spec"]
    assert pod["serviceAccountName"] == "watcher"
    environment = {each["name"]: each["value"] for each in pod["containers"][0]["env"]}
    assert (
        environment.items()
        >= {
            "WATCH_GROUP": "bookofkubernetes.com",
            "WATCH_VERSION": "v1",
            "WATCH_NAMESPACE": "samples",
            "WATCH_RESOURCE": "samples",
        }.items()
    )
    reader = dev.object("ClusterRole", "sample-reader").inputs
    assert reader["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-view"] == "true"
    assert [(r["resources"], sorted(r["verbs"])) for r in reader["rules"]] == [(["samples"], ["get", "list", "watch"])]
    viewer = dev.object("RoleBinding", "viewer").inputs
    assert (viewer["roleRef"]["kind"], viewer["roleRef"]["name"]) == ("ClusterRole", "view")
    assert [subject["name"] for subject in viewer["subjects"]] == ["watcher"]


def test_the_exports_are_the_frozen_contract(dev: Declared) -> None:
    assert dev.exports == {
        "apiVersion": "platform/v1",
        "network": {"podCidrs": ["172.31.0.0/16"]},
        "storage": {"storageClass": "longhorn"},
        "postgres": {
            "host": "pgsql-cluster.postgres.svc.cluster.local",
            "replicaHost": "pgsql-cluster-repl.postgres.svc.cluster.local",
            "poolerHost": None,
            "poolerReplicaHost": None,
            "port": 5432,
            "database": "defaultdb",
            "user": "dbuser",
            "credentialsSecret": {
                "namespace": "postgres",
                "name": "dbuser.pgsql-cluster.credentials.postgresql.acid.zalan.do",
                "usernameKey": "username",
                "passwordKey": "password",
            },
            "clusters": {},
        },
        "redis": {
            "host": "redis-primary.redis.svc.cluster.local",
            "replicaHosts": ["redis-replicas.redis.svc.cluster.local"],
            "port": 6379,
            "username": "app",
            "passwordSecret": {"namespace": "redis", "name": "redis-sfs", "key": "password"},
            "sentinel": {
                "hosts": [f"redis-sfs-{ordinal}.redis-sfs.redis.svc.cluster.local" for ordinal in range(3)],
                "port": 26379,
                "masterName": "mymaster",
            },
            "tls": False,
        },
        "websites": {"urls": {"kubia": "http://kubia-website.websites.svc.cluster.local"}},
        "memcached": {
            "hosts": {"memcached-sample": "memcached-sample.memcached.svc.cluster.local"},
            "port": 11211,
        },
    }


def test_components_that_are_off_export_null_and_declare_nothing() -> None:
    sections = stack_file("dev")
    for section in ("calico", "longhorn", "postgres", "redis", "websites", "memcached", "samples"):
        sections[section] = {"enabled": False}
    declared = declare(sections)
    assert declared.exports == {
        "apiVersion": "platform/v1",
        "network": None,
        "storage": None,
        "postgres": None,
        "redis": None,
        "websites": None,
        "memcached": None,
    }
    assert [resource.object_name for resource in declared.objects()] == ["platform-owner"]
