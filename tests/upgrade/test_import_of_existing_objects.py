"""What hands made with kubectl comes under the program as it is: taken over, not made anew."""

import json
from pathlib import Path

from tests.integration.stack.checkout import Checkout
from tests.upgrade.conftest import Bare

HANDMADE = Path(__file__).parent / "handmade.yaml"
TAKE_OVER = "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"
OBJECTS = (
    "installation/default",
    "storageclass/longhorn",
    "namespace/postgres",
    "postgresql/pgsql-cluster",
    "namespace/redis",
    "service/redis-sfs",
    "statefulset/redis-sfs",
    "pvc/data-redis-sfs-0",
    "pvc/sentinel-redis-sfs-1",
)
NAMESPACES = {"postgresql": "postgres", "service": "redis", "statefulset": "redis", "pvc": "redis"}


def identities(checkout: Checkout) -> dict[str, str]:
    """Return the UID of each object: one that was made anew has another."""
    found: dict[str, str] = {}
    for name in OBJECTS:
        kind = name.partition("/")[0]
        where = ["-n", NAMESPACES[kind]] if kind in NAMESPACES else []
        found[name] = json.loads(checkout.kubectl("get", name, *where, "-o", "json"))["metadata"]["uid"]
    return found


def test_objects_made_by_hand_are_taken_over_without_a_replacement(bare: Bare) -> None:
    stack = bare("throw-away")
    stack.kubectl("create", "-f", str(HANDMADE))
    ready = "--for=jsonpath={.status.readyReplicas}=2"
    stack.kubectl("wait", ready, "statefulset/redis-sfs", "-n", "redis", "--timeout=60s")
    before = identities(stack)

    stack.environment[TAKE_OVER] = "true"
    assert {step.op for step in stack.preview()} <= {"create", "update"}
    stack.up()
    del stack.environment[TAKE_OVER]
    stack.up()
    stack.pulumi("preview", "--expect-no-changes", "--refresh")
    assert identities(stack) == before
    database = stack.get("postgresql", "pgsql-cluster", "postgres")
    assert database["metadata"]["labels"]["app.kubernetes.io/part-of"] == "platform"
    # What nobody declares here stays as the hand left it.
    assert database["spec"]["maintenanceWindows"] == ["Sat:02:00-04:00"]


def test_what_was_made_otherwise_is_told_before_it_is_taken_over(bare: Bare) -> None:
    stack = bare("throw-away")
    other = HANDMADE.read_text().replace("blockSize: 26", "blockSize: 24")
    made = stack.folder / "handmade.yaml"
    made.write_text(other.replace('numberOfReplicas: "3"', 'numberOfReplicas: "2"'))
    stack.kubectl("create", "-f", str(made))
    refused = stack.pulumi("preview", check=False)
    said = refused.stdout + refused.stderr
    assert "platform:calico.ipPools[0].blockSize (pool 'default-ipv4-ippool') 24 -> 26" in said
    assert "StorageClass 'longhorn': parameters.numberOfReplicas 2 -> 3" in said
