"""The dev stack on a real API server with the real engine: what a person sees from `up` to `down`."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.stack.checkout import Checkout
from tests.integration.stack.consumer import Consumer


def test_up_says_what_it_made_without_a_warning(rolled_out: Checkout) -> None:
    shown = rolled_out.first_up
    assert "apiVersion" in shown
    for word in ("warning:", "error:", "Traceback"):
        assert word not in shown, shown


def test_every_object_that_users_know_is_there_under_its_name(rolled_out: Checkout) -> None:
    pools = rolled_out.get("installation", "default")["spec"]["calicoNetwork"]["ipPools"]
    assert [(pool["cidr"], pool["blockSize"]) for pool in pools] == [("172.31.0.0/16", 26)]
    assert rolled_out.get("storageclass", "longhorn")["provisioner"] == "driver.longhorn.io"
    database = rolled_out.get("postgresql", "pgsql-cluster", "postgres")["spec"]
    assert (database["numberOfInstances"], database["teamId"]) == (3, "pgsql")
    servers = rolled_out.get("statefulset", "redis-sfs", "redis")
    assert (servers["spec"]["replicas"], servers["status"]["readyReplicas"]) == (3, 3)
    assert rolled_out.get("service", "redis-sfs", "redis")["spec"]["clusterIP"] == "None"
    crd = rolled_out.get("crd", "websites.extensions.example.com")
    assert crd["spec"]["names"]["kind"] == "Website"


def test_redis_has_its_volumes_bound(rolled_out: Checkout) -> None:
    claims = json.loads(rolled_out.kubectl("get", "pvc", "-n", "redis", "-o", "json"))["items"]
    assert {claim["metadata"]["name"]: claim["status"]["phase"] for claim in claims} == {
        f"{template}-redis-sfs-{ordinal}": "Bound" for template in ("data", "sentinel") for ordinal in range(3)
    }


def test_the_controller_made_the_websites_children(rolled_out: Checkout) -> None:
    rolled_out.eventually(lambda: rolled_out.exists("deployment", "kubia-website", "websites"), "the Deployment")
    service = rolled_out.get("service", "kubia-website", "websites")
    assert (service["spec"]["type"], service["spec"]["ports"][0]["port"]) == ("NodePort", 80)
    (owner,) = service["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"]) == ("Website", "kubia")


def test_the_exported_address_is_the_one_that_the_controller_reports(rolled_out: Checkout) -> None:
    def reported() -> str | None:
        return rolled_out.get("website", "kubia", "websites").get("status", {}).get("url")

    rolled_out.eventually(lambda: reported() is not None, "a status with a URL")
    exported = json.loads(rolled_out.pulumi("stack", "output", "--json").stdout)
    assert exported["websites"]["urls"] == {"kubia": reported()}
    assert exported["apiVersion"] == "platform/v1"


def test_a_second_preview_shows_no_change(rolled_out: Checkout) -> None:
    rolled_out.pulumi("preview", "--expect-no-changes")
    rolled_out.pulumi("preview", "--expect-no-changes", "--refresh")


def test_the_targets_of_the_makefile_work_in_the_sandboxs_own_shell(rolled_out: Checkout) -> None:
    shown = rolled_out.sandbox("preview", inside=True).stdout
    assert "unchanged" in shown
    assert "to create" not in shown


def test_edited_settings_show_exactly_their_fields_and_change_exactly_that(edited: Checkout) -> None:
    def edit(sections: dict[str, Any]) -> None:
        sections["postgres"]["instances"] = 5
        sections["memcached"]["controller"]["replicas"] = 1
        handbook = {"gitRepo": "https://example.com/team/handbook.git", "replicas": 2}
        sections["websites"]["sites"]["handbook"] = handbook

    def instances() -> int:
        return edited.get("postgresql", "pgsql-cluster", "postgres")["spec"]["numberOfInstances"]

    def controller() -> tuple[int, str]:
        spec = edited.get("deployment", "memcached-controller", "memcached-system")["spec"]
        return spec["replicas"], spec["strategy"]["type"]

    edited.edit(edit)
    shown = {step.name: (step.op, step.fields) for step in edited.preview()}
    assert shown == {
        "cluster": ("update", {"spec.numberOfInstances": "update"}),
        # No new template: the pods that stay are the same.
        "controller": ("update", {"spec.replicas": "update"}),
        "site-handbook": ("create", {}),
    }
    edited.up()
    assert (instances(), controller()) == (5, (1, "RollingUpdate"))
    edited.eventually(lambda: edited.exists("deployment", "handbook-website", "websites"), "the Deployment")
    assert edited.get("deployment", "handbook-website", "websites")["spec"]["replicas"] == 2
    edited.pulumi("preview", "--expect-no-changes")

    edited.restore()
    back = {step.name: (step.op, step.fields) for step in edited.preview()}
    assert back == {**shown, "site-handbook": ("delete", {})}
    edited.up()
    assert (instances(), controller()) == (3, (2, "RollingUpdate"))
    for kind in ("website/handbook", "deployment/handbook-website", "service/handbook-website"):
        what, name = kind.split("/")
        edited.eventually(lambda what=what, name=name: not edited.exists(what, name, "websites"), f"{kind} gone")
    assert edited.exists("deployment", "kubia-website", "websites")


def test_drift_made_by_hand_is_seen_by_refresh_and_repaired(rolled_out: Checkout) -> None:
    rolled_out.kubectl("scale", "statefulset", "redis-sfs", "-n", "redis", "--replicas=2")
    rolled_out.kubectl("delete", "pdb", "redis-sfs", "-n", "redis")
    steps = {step.name: step for step in rolled_out.preview("--refresh")}
    assert set(steps) == {"servers", "disruption"}
    assert steps["servers"].fields == {"spec.replicas": "update"}
    assert steps["disruption"].op == "create"
    rolled_out.up("--refresh")
    assert rolled_out.get("statefulset", "redis-sfs", "redis")["spec"]["replicas"] == 3
    assert rolled_out.exists("pdb", "redis-sfs", "redis")


def test_an_edited_config_map_is_updated_in_place_and_gives_the_pods_a_new_template(stack: Checkout) -> None:
    def template() -> str:
        return stack.get("statefulset", "redis-sfs", "redis")["status"]["updateRevision"]

    before = template()
    file = stack.folder / "components/redis/scripts/failover/redis.conf"
    original = file.read_text()
    try:
        file.write_text(original + "lazyfree-lazy-eviction yes\n")
        steps = {step.name: step for step in stack.preview()}
        assert set(steps) == {"config", "servers"}
        assert (steps["config"].op, steps["config"].fields) == ("update", {'data["redis.conf"]': "update"})
        assert steps["servers"].fields == {"spec.template.metadata.annotations.platform/config-checksum": "update"}
        stack.up()
        # Restarting the pods in the right order is the controller's work, which needs pods that are real.
        assert template() != before
    finally:
        file.write_text(original)


def test_the_policy_pack_refuses_an_image_without_version_at_preview(edited: Checkout) -> None:
    assert "Loading policy packs...: done" in edited.first_up
    edited.edit(lambda sections: sections["redis"].update(image="registry.example.com/redis:latest"))
    refused = edited.sandbox("preview", check=False)
    assert refused.returncode != 0
    assert (
        "registry.example.com/redis:latest: its tag is 'latest'; allowed is one that names a version" in refused.stdout
    )
    # Where images come from is only an advice in dev.
    assert "[advisory]  image-registry" in refused.stdout


def test_wrong_settings_are_listed_and_change_nothing(edited: Checkout) -> None:
    before = edited.pulumi("stack", "export").stdout

    def spoil(sections: dict[str, Any]) -> None:
        sections["redis"]["instances"] = 0
        sections["calico"]["ipPools"][0]["blockSize"] = 33

    edited.edit(spoil)
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        refused = edited.pulumi(*command, check=False)
        assert refused.returncode != 0
        assert "2 settings are wrong; nothing was changed" in refused.stdout
        assert "platform:calico.ipPools[0].blockSize = 33: allowed is 20 to 32" in refused.stdout
        assert "platform:redis.instances = 0: allowed is 1 or more" in refused.stdout
        assert "Traceback" not in refused.stdout + refused.stderr
    assert _modified(edited.pulumi("stack", "export").stdout) == _modified(before)


def _modified(state: str) -> dict[str, str]:
    """Return when each resource of an exported state was last changed; secrets are encrypted anew in each export."""
    return {resource["urn"]: resource["modified"] for resource in json.loads(state)["deployment"]["resources"]}


def test_a_second_stack_on_the_same_cluster_is_refused_with_a_clear_word(edited: Checkout) -> None:
    (edited.folder / "Pulumi.staging.yaml").write_text((edited.folder / "Pulumi.dev.yaml").read_text())
    edited.pulumi("stack", "init", "staging", "--no-select")
    try:
        for command in (["preview"], ["up", "--yes", "--skip-preview"]):
            refused = edited.pulumi(*command, "--stack", "staging", check=False)
            assert refused.returncode != 0
            assert "already owned by the stack 'organization/platform/dev'" in refused.stdout
    finally:
        edited.pulumi("stack", "rm", "staging", "--yes", "--force", "--preserve-config")
        edited.restore("staging")
    edited.pulumi("preview", "--expect-no-changes", "--refresh")


def test_the_password_is_in_no_output_and_no_file(rolled_out: Checkout) -> None:
    encoded = rolled_out.get("secret", "redis-sfs", "redis")["data"]["password"]
    password = base64.b64decode(encoded).decode()
    assert len(password) == 32
    shown = [
        rolled_out.first_up,
        rolled_out.pulumi("preview", "--diff", "--refresh").stdout,
        rolled_out.pulumi("preview", "--json").stdout,
        rolled_out.pulumi("stack", "output", "--json").stdout,
        rolled_out.pulumi("stack", "export").stdout,
    ]
    needles = (password.encode(), encoded.encode())
    assert not [text for text in shown if any(needle in text.encode() for needle in needles)]
    # etcd's own files hold it, as in every cluster whose Secrets aren't encrypted at rest.
    files = [f for f in (rolled_out.folder / ".sandbox").rglob("*") if f.is_file() and "etcd" not in f.parts]
    assert files
    # Compressed or encrypted, the engine's own log would hide from this search.
    assert rolled_out.engine_log.is_file()
    assert [str(f) for f in files if any(needle in f.read_bytes() for needle in needles)] == []


@pytest.fixture
def consumer(rolled_out: Checkout) -> Iterator[Consumer]:
    """Another team's program, not rolled out yet."""
    other = Consumer(rolled_out)
    yield other
    other.remove()


def test_another_team_uses_the_platform_by_its_exports_and_its_own_rights(
    rolled_out: Checkout, consumer: Consumer
) -> None:
    # The operator makes it, and needs pods that run.
    name = "dbuser.pgsql-cluster.credentials.postgresql.acid.zalan.do"
    login = ["--from-literal=username=dbuser", "--from-literal=password=made-for-the-test"]
    rolled_out.kubectl("create", "secret", "generic", name, "-n", "postgres", *login)
    shown = consumer.pulumi("up", "--yes", "--skip-preview")
    (container,) = rolled_out.get("deployment", "shop", "shop")["spec"]["template"]["spec"]["containers"]
    assert {each["name"]: each["value"] for each in container["env"]} == {
        "PGHOST": "pgsql-cluster.postgres.svc.cluster.local",
        "PGPORT": "5432",
        "PGDATABASE": "defaultdb",
        "REDIS_HOST": "redis-primary.redis.svc.cluster.local",
        "REDIS_USERNAME": "app",
        "REDIS_PORT": "6379",
    }
    claim = rolled_out.get("pvc", "shop-uploads", "shop")
    assert (claim["spec"]["storageClassName"], claim["status"]["phase"]) == ("longhorn", "Bound")
    theirs = rolled_out.get("secret", "redis-sfs", "redis")["data"]["password"]
    assert rolled_out.get("secret", "shop-redis", "shop")["data"] == {"REDIS_PASSWORD": theirs}
    ours = rolled_out.get("secret", "shop-postgres", "shop")["data"]
    assert {key: base64.b64decode(value) for key, value in ours.items()} == {
        "PGUSER": b"dbuser",
        "PGPASSWORD": b"made-for-the-test",
    }
    shown += consumer.pulumi("preview", "--expect-no-changes", "--refresh")

    # A new password reaches the shop by its next update.
    changed = base64.b64encode(b"changed-for-the-test").decode()
    rolled_out.kubectl("patch", "secret", name, "-n", "postgres", "-p", json.dumps({"data": {"password": changed}}))
    shown += consumer.pulumi("up", "--yes", "--diff")
    assert rolled_out.get("secret", "shop-postgres", "shop")["data"]["PGPASSWORD"] == changed

    assert not consumer.may("get", "secrets", "redis")
    assert not consumer.may("list", "secrets", "postgres")
    assert not consumer.may("patch", "secrets/redis-sfs", "redis")
    shown += consumer.pulumi("stack", "export")
    state = b"".join(file.read_bytes() for file in rolled_out.state.rglob("*") if file.is_file())
    for secret in ("made-for-the-test", "changed-for-the-test", base64.b64decode(theirs).decode()):
        for form in (secret, base64.b64encode(secret.encode()).decode()):
            assert form not in shown
            assert form.encode() not in state
    consumer.pulumi("destroy", "--yes", "--skip-preview")
    assert rolled_out.kubectl("get", "deployments,pvc,networkpolicies,secrets", "-n", "shop", "-o", "name") == ""
    # What the shop only read stays.
    assert rolled_out.exists("secret", "redis-sfs", "redis")
    rolled_out.kubectl("delete", "secret", name, "-n", "postgres")
