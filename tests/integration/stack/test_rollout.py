"""The dev stack on a real API server with the real engine: what a person sees from `up` to `down`."""

import base64
import json
from typing import Any

from tests.integration.stack.checkout import Checkout


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


def test_an_edited_setting_shows_exactly_its_field_and_changes_exactly_that(stack: Checkout) -> None:
    stack.edit(lambda sections: sections["postgres"].update(instances=5))
    (step,) = [step for step in stack.preview() if "postgresql" in step.urn]
    assert (step.op, step.fields) == ("update", {"spec.numberOfInstances": "update"})
    assert [s.name for s in stack.preview()] == [step.name]
    stack.up()
    assert stack.get("postgresql", "pgsql-cluster", "postgres")["spec"]["numberOfInstances"] == 5
    stack.pulumi("preview", "--expect-no-changes")


def test_a_controller_goes_to_one_replica_and_back_without_a_new_template(stack: Checkout) -> None:
    for replicas in (1, 2):
        stack.edit(lambda sections, count=replicas: sections["memcached"]["controller"].update(replicas=count))
        (step,) = stack.preview()
        assert (step.op, step.fields) == ("update", {"spec.replicas": "update"})
        stack.up()
        deployment = stack.get("deployment", "memcached-controller", "memcached-system")
        assert deployment["spec"]["replicas"] == replicas
        assert deployment["spec"]["strategy"]["type"] == "RollingUpdate"


def test_drift_made_by_hand_is_seen_by_refresh_and_repaired(stack: Checkout) -> None:
    stack.kubectl("scale", "statefulset", "redis-sfs", "-n", "redis", "--replicas=2")
    stack.kubectl("delete", "pdb", "redis-sfs", "-n", "redis")
    steps = {step.name: step for step in stack.preview("--refresh")}
    assert set(steps) == {"servers", "disruption"}
    assert steps["servers"].fields == {"spec.replicas": "update"}
    assert steps["disruption"].op == "create"
    stack.up("--refresh")
    assert stack.get("statefulset", "redis-sfs", "redis")["spec"]["replicas"] == 3
    assert stack.exists("pdb", "redis-sfs", "redis")


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


def test_a_website_added_and_removed_takes_its_children_along(stack: Checkout) -> None:
    site = {"gitRepo": "https://example.com/team/handbook.git", "replicas": 2}
    stack.edit(lambda sections: sections["websites"]["sites"].update(handbook=site))
    assert {(s.op, s.name) for s in stack.preview()} == {("create", "site-handbook")}
    stack.up()
    stack.eventually(lambda: stack.exists("deployment", "handbook-website", "websites"), "the Deployment")
    assert stack.get("deployment", "handbook-website", "websites")["spec"]["replicas"] == 2
    stack.restore()
    stack.up()
    for kind in ("website/handbook", "deployment/handbook-website", "service/handbook-website"):
        what, name = kind.split("/")
        stack.eventually(lambda what=what, name=name: not stack.exists(what, name, "websites"), f"{kind} gone")
    assert stack.exists("deployment", "kubia-website", "websites")


def test_a_changed_pool_is_refused_at_preview_with_the_way_to_migrate(stack: Checkout) -> None:
    stack.edit(lambda sections: sections["calico"]["ipPools"][0].update(blockSize=24))
    refused = stack.pulumi("preview", check=False)
    assert refused.returncode != 0
    assert "pool 'default-ipv4-ippool': blockSize 26 -> 24" in refused.stdout
    assert "add a second pool" in refused.stdout
    stack.restore()
    stack.edit(lambda sections: sections["calico"]["ipPools"].append({"name": "second", "cidr": "172.30.0.0/16"}))
    (step,) = stack.preview()
    assert step.fields == {"spec.calicoNetwork.ipPools[1]": "add"}


def test_wrong_settings_are_listed_and_change_nothing(stack: Checkout) -> None:
    before = stack.pulumi("stack", "export").stdout

    def spoil(sections: dict[str, Any]) -> None:
        sections["redis"]["instances"] = 0
        sections["calico"]["ipPools"][0]["blockSize"] = 33

    stack.edit(spoil)
    for command in (["preview"], ["up", "--yes", "--skip-preview"]):
        refused = stack.pulumi(*command, check=False)
        assert refused.returncode != 0
        assert "2 settings are wrong; nothing was changed" in refused.stdout
        assert "platform:calico.ipPools[0].blockSize = 33: allowed is 20 to 32" in refused.stdout
        assert "platform:redis.instances = 0: allowed is 1 or more" in refused.stdout
        assert "Traceback" not in refused.stdout + refused.stderr
    assert _modified(stack.pulumi("stack", "export").stdout) == _modified(before)


def _modified(state: str) -> dict[str, str]:
    """Return when each resource of an exported state was last changed; secrets are encrypted anew in each export."""
    return {resource["urn"]: resource["modified"] for resource in json.loads(state)["deployment"]["resources"]}


def test_a_second_stack_on_the_same_cluster_is_refused_with_a_clear_word(stack: Checkout) -> None:
    (stack.folder / "Pulumi.staging.yaml").write_text((stack.folder / "Pulumi.dev.yaml").read_text())
    stack.pulumi("stack", "init", "staging", "--no-select")
    try:
        for command in (["preview"], ["up", "--yes", "--skip-preview"]):
            refused = stack.pulumi(*command, "--stack", "staging", check=False)
            assert refused.returncode != 0
            assert "already owned by the stack 'organization/platform/dev'" in refused.stdout
    finally:
        stack.pulumi("stack", "rm", "staging", "--yes", "--force", "--preserve-config")
        stack.restore("staging")
    stack.pulumi("preview", "--expect-no-changes", "--refresh")


def test_the_password_is_in_no_output_and_no_file(stack: Checkout) -> None:
    encoded = stack.get("secret", "redis-sfs", "redis")["data"]["password"]
    password = base64.b64decode(encoded).decode()
    assert len(password) == 32
    shown = [
        stack.first_up,
        stack.pulumi("preview", "--diff", "--refresh").stdout,
        stack.pulumi("preview", "--json").stdout,
        stack.pulumi("stack", "output", "--json").stdout,
        stack.pulumi("stack", "export").stdout,
    ]
    needles = (password.encode(), encoded.encode())
    assert not [text for text in shown if any(needle in text.encode() for needle in needles)]
    # etcd's own files hold it, as in every cluster whose Secrets aren't encrypted at rest.
    files = [f for f in (stack.folder / ".sandbox").rglob("*") if f.is_file() and "etcd" not in f.parts]
    assert files
    assert [str(f) for f in files if any(needle in f.read_bytes() for needle in needles)] == []
