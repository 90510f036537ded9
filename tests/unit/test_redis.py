"""Redis as it is declared: with Sentinel, and as the plain pair."""

from typing import Any

import pytest

from tests.unit.declared import Declared, declare, stack_file

USERS = ("password", "replication", "sentinel", "monitor")


def declared(**redis: Any) -> Declared:
    sections = stack_file("dev")
    sections["redis"] = redis
    return declare(sections)


def pod(of: Declared) -> dict[str, Any]:
    return of.object("StatefulSet", "redis-sfs").inputs["spec"]["template"]["spec"]


def containers(of: Declared) -> dict[str, dict[str, Any]]:
    return {container["name"]: container for container in pod(of)["containers"]}


def environment(container: dict[str, Any]) -> dict[str, Any]:
    return {variable["name"]: variable.get("value") for variable in container["env"]}


@pytest.fixture(scope="module")
def plain_pair() -> Declared:
    return declared(sentinel=False, instances=2)


def test_every_pod_has_a_server_its_sentinel_and_an_exporter(dev: Declared) -> None:
    assert set(containers(dev)) == {"redis", "sentinel", "exporter"}
    assert set(containers(declared(exporter=None))) == {"redis", "sentinel"}


def test_scripts_know_their_domain(dev: Declared) -> None:
    for name in ("redis", "sentinel"):
        assert environment(containers(dev)[name])["POD_DOMAIN"] == "redis-sfs.redis.svc.cluster.local"


def test_the_number_of_instances_is_a_file_and_no_part_of_the_template() -> None:
    three, five = declared(instances=3), declared(instances=5)
    changed = {
        resource.object_name
        for resource in five.objects()
        if resource.inputs not in [same.inputs for same in three.objects() if same.urn == resource.urn]
    }
    claims = {f"{volume}-redis-sfs-{ordinal}" for volume in ("data", "sentinel") for ordinal in (3, 4)}
    assert changed == {"redis-sfs", "redis-sfs-config", *claims}
    for of, number in ((three, 3), (five, 5)):
        assert of.object("ConfigMap", "redis-sfs-config").inputs["data"]["instances"] == str(number)
        assert of.object("StatefulSet", "redis-sfs").inputs["spec"]["replicas"] == number
    assert pod(three) == pod(five)
    templates = [of.object("StatefulSet", "redis-sfs").inputs["spec"]["template"] for of in (three, five)]
    assert templates[0] == templates[1]


def test_three_quarters_of_the_memory_limit_are_for_data(dev: Declared) -> None:
    redis = containers(dev)["redis"]
    assert redis["resources"]["limits"]["memory"] == "256Mi"
    assert environment(redis)["MAX_MEMORY"] == str(192 * 1024**2)
    assert environment(redis)["EVICTION_POLICY"] == "noeviction"
    assert environment(containers(declared(evictionPolicy="allkeys-lru"))["redis"])["EVICTION_POLICY"] == "allkeys-lru"


def test_the_pod_does_not_start_when_nobody_can_tell_whether_there_was_data(dev: Declared) -> None:
    (state,) = [volume for volume in pod(dev)["volumes"] if volume["name"] == "state"]
    assert state["configMap"] == {"name": "redis-sfs-state", "optional": False}
    # Its content is the controller's alone.
    assert "data" not in dev.object("ConfigMap", "redis-sfs-state").inputs


def test_the_role_is_handed_over_before_the_server_stops(dev: Declared) -> None:
    hook = containers(dev)["redis"]["lifecycle"]["preStop"]["exec"]["command"]
    assert hook == ["sh", "/etc/redis-config/handover.sh"]
    assert pod(dev)["terminationGracePeriodSeconds"] == 60


def test_no_pod_of_redis_has_a_token_but_the_controllers(dev: Declared) -> None:
    assert pod(dev)["automountServiceAccountToken"] is False
    controller = dev.object("Deployment", "redis-controller").inputs["spec"]["template"]["spec"]
    assert controller["automountServiceAccountToken"] is True
    rights = {tuple(rule["resources"]): rule for rule in dev.object("Role", "redis-controller").inputs["rules"]}
    assert rights["configmaps",]["resourceNames"] == ["redis-sfs-state"]
    assert rights["pods",]["verbs"] == ["list", "watch", "patch"]


def test_the_controller_reads_one_password_and_no_key(dev: Declared) -> None:
    for with_tls, keys in ((dev, {"sentinel"}), (declared(tls={"secret": "certificate"}), {"sentinel", "ca.crt"})):
        spec = with_tls.object("Deployment", "redis-controller").inputs["spec"]["template"]["spec"]
        assert {item["key"] for volume in spec["volumes"] for item in volume["secret"]["items"]} == keys


def test_the_services_follow_the_roles(dev: Declared) -> None:
    primary = dev.object("Service", "redis-primary").inputs["spec"]
    assert primary["selector"] == {"app": "redis-sfs", "platform/redis-role": "primary"}
    assert primary["publishNotReadyAddresses"] is True
    replicas = dev.object("Service", "redis-replicas").inputs["spec"]
    assert replicas["selector"] == {"app": "redis-sfs", "platform/redis-role": "replica"}
    assert "publishNotReadyAddresses" not in replicas
    assert dev.object("Service", "redis-sentinel").inputs["spec"]["ports"][0]["port"] == 26379


def test_only_labelled_pods_may_connect(dev: Declared) -> None:
    first, metrics = dev.object("NetworkPolicy", "redis-sfs").inputs["spec"]["ingress"]
    outside = [peer for peer in first["from"] if "namespaceSelector" in peer]
    assert [peer["podSelector"] for peer in outside] == [{"matchLabels": {"platform/redis-client": "true"}}]
    assert [port["port"] for port in metrics["ports"]] == [9121]


def test_every_user_has_the_passwords_of_three_versions(dev: Declared) -> None:
    drawn = dev.of_type("random:index/randomPassword:RandomPassword")
    assert sorted(password.name for password in drawn) == ["passwords-0", "passwords-1", "passwords-2"]
    data = dev.object("Secret", "redis-sfs").inputs["stringData"]
    assert set(data) == {f"{user}{version}" for user in USERS for version in ("-previous", "", "-next")}
    assert {len(password) for password in data.values()} == {32}


def test_passwords_stay_secret_from_birth(dev: Declared) -> None:
    for resource in dev.objects():
        if resource.kind != "Secret":
            assert "made-up-password" not in repr(resource.inputs), resource.urn


def test_the_next_password_version_keeps_two_of_three_and_restarts_the_pods() -> None:
    of = declared(passwordVersion=2)
    drawn = of.of_type("random:index/randomPassword:RandomPassword")
    assert sorted(password.name for password in drawn) == ["passwords-1", "passwords-2", "passwords-3"]
    template = of.object("StatefulSet", "redis-sfs").inputs["spec"]["template"]
    assert template["metadata"]["annotations"]["platform/password-version"] == "2"


def test_a_volume_grows_by_its_claim_and_the_stateful_set_stays() -> None:
    grown = declared(volume={"size": "3Gi"})
    sizes = {
        claim.object_name: claim.inputs["spec"]["resources"]["requests"]["storage"]
        for claim in grown.objects()
        if claim.kind == "PersistentVolumeClaim"
    }
    assert sizes == {
        f"{volume}-redis-sfs-{ordinal}": size
        for volume, size in (("data", "3Gi"), ("sentinel", "128Mi"))
        for ordinal in range(3)
    }
    before, after = (of.object("StatefulSet", "redis-sfs") for of in (declared(), grown))
    assert before.inputs == after.inputs


def test_claims_are_there_before_the_pods(dev: Declared) -> None:
    servers = dev.object("StatefulSet", "redis-sfs")
    claims = [claim.urn for claim in dev.objects() if claim.kind == "PersistentVolumeClaim"]
    assert len(claims) == 6
    assert set(claims) <= set(servers.depends_on)


def test_encrypted_connections_reach_every_part() -> None:
    of = declared(tls={"secret": "certificate"})
    for name in ("redis", "sentinel"):
        assert environment(containers(of)[name])["TLS_DIR"] == "/etc/redis-tls"
    assert environment(containers(of)["exporter"])["REDIS_ADDR"] == "rediss://127.0.0.1:6379"
    assert of.exports["redis"]["tls"] is True


def test_without_sentinel_it_is_the_plain_pair(plain_pair: Declared) -> None:
    assert plain_pair.object("StatefulSet", "redis-sfs").inputs["spec"]["replicas"] == 2
    assert set(containers(plain_pair)) == {"redis"}
    assert (
        environment(containers(plain_pair)["redis"])["PRIMARY_HOST"] == "redis-sfs-0.redis-sfs.redis.svc.cluster.local"
    )
    kinds = {resource.kind for resource in plain_pair.objects() if "redis" in resource.object_name}
    assert kinds == {
        "Namespace", "ConfigMap", "Secret", "Service", "StatefulSet", "PersistentVolumeClaim", "PodDisruptionBudget",
    }  # fmt: skip
    assert plain_pair.exports["redis"] == {
        "host": "redis-sfs-0.redis-sfs.redis.svc.cluster.local",
        "replicaHosts": ["redis-sfs-1.redis-sfs.redis.svc.cluster.local"],
        "port": 6379,
        "username": "default",
        "passwordSecret": {"namespace": "redis", "name": "redis-sfs", "key": "password"},
        "sentinel": None,
        "tls": False,
    }
