"""The rolled-out stack destroyed, interrupted, resumed, and gone without a trace; after all that need it up."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from sandbox.toolchain import Toolchain
from tests.integration.stack.checkout import Checkout

PARTS = ("calico", "postgres", "websites", "memcached", "samples")
OWN_NAMESPACES = {
    "postgres", "postgres-operator", "redis", "websites", "website-system", "memcached", "memcached-system", "samples",
}  # fmt: skip


@pytest.fixture(scope="module")
def other(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Another sandbox, while the first one is up; of Redis alone, which is what is looked at in both."""
    checkout = Checkout(tmp_path_factory.mktemp("other") / "project")
    checkout.edit(redis_alone)
    try:
        checkout.sandbox("up")
        yield checkout
    finally:
        checkout.sandbox("clean", check=False)


def redis_alone(sections: dict[str, Any]) -> None:
    """Turn all other parts of the stack off but the storage."""
    sections.update({part: {"enabled": False} for part in PARTS})


def left_behind(checkout: Checkout) -> list[str]:
    """Return every object that the stack, its controller or Kubernetes made for the stack, and every volume."""
    kinds = (
        "persistentvolumes,storageclasses,installations,statefulsets,deployments,services,secrets,configmaps,"
        "persistentvolumeclaims,pods,roles,rolebindings,serviceaccounts,poddisruptionbudgets,crds,namespaces"
    )
    items = json.loads(checkout.kubectl("get", kinds, "--all-namespaces", "-o", "json"))["items"]
    return [
        f"{item['kind']}/{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
        for item in items
        if item["metadata"].get("labels", {}).get("app.kubernetes.io/part-of") == "platform"
        or item["kind"] == "PersistentVolume"
        # The operator's chart brings them; with its kind, every `postgresql` is gone.
        or item["metadata"]["name"].endswith(".acid.zalan.do")
        or item["metadata"].get("namespace") in OWN_NAMESPACES
        or item["metadata"]["name"] in OWN_NAMESPACES
    ]


def test_destroy_leaves_no_object_and_no_volume(rolled_out: Checkout) -> None:
    assert left_behind(rolled_out)
    rolled_out.pulumi("destroy", "--yes", "--skip-preview")
    rolled_out.eventually(lambda: left_behind(rolled_out) == [], "nothing left")
    assert json.loads(rolled_out.pulumi("stack", "export").stdout)["deployment"].get("resources", []) == []


def test_a_preview_on_an_empty_cluster_shows_every_object_as_new(rolled_out: Checkout) -> None:
    steps = rolled_out.preview()
    assert {step.op for step in steps} == {"create"}
    names = {step.name for step in steps}
    assert {"installation", "storage-class-longhorn", "cluster", "servers", "crd", "site-kubia"} <= names
    assert left_behind(rolled_out) == []


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "SIGKILL"])
def test_an_interrupted_up_resumes(rolled_out: Checkout, blow: signal.Signals) -> None:
    rolled_out.pulumi("destroy", "--yes", "--skip-preview")
    # Going on takes the same whatever is declared.
    rolled_out.edit(redis_alone)
    running = rolled_out.start_pulumi("up", "--yes", "--skip-preview")
    rolled_out.eventually(lambda: bool(left_behind(rolled_out)), "the first objects")
    os.killpg(running.pid, blow)
    running.communicate(timeout=60)
    # After a SIGKILL the lock of the dead engine stays, and what it was doing is pending.
    rolled_out.sandbox("up")
    rolled_out.pulumi("preview", "--expect-no-changes", "--refresh")
    assert rolled_out.get("statefulset", "redis-sfs", "redis")["status"]["readyReplicas"] == 3


def test_two_sandboxes_side_by_side_do_not_touch_each_other(rolled_out: Checkout, other: Checkout) -> None:
    uid, other_uid = (c.get("namespace", "kube-system")["metadata"]["uid"] for c in (rolled_out, other))
    assert uid != other_uid
    rolled_out.edit(lambda sections: sections["redis"].update(instances=5))
    rolled_out.up()
    assert rolled_out.get("statefulset", "redis-sfs", "redis")["spec"]["replicas"] == 5
    assert other.get("statefulset", "redis-sfs", "redis")["spec"]["replicas"] == 3
    other.pulumi("preview", "--expect-no-changes", "--refresh")


def test_down_leaves_no_process_and_no_file_and_touches_no_tracked_file(rolled_out: Checkout) -> None:
    rolled_out.restore()
    rolled_out.sandbox("down")
    # Processes need a moment to be reaped.
    deadline = time.monotonic() + 10
    while (found := _processes_of(rolled_out.folder)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found == []
    # The operator's chart lies beside the sandboxes, for all of them.
    assert [path.name for path in (rolled_out.folder / ".sandbox").glob("*")] == ["postgres-operator.tgz"]
    assert "encryptionsalt" not in (rolled_out.folder / "Pulumi.dev.yaml").read_text()


def _processes_of(folder: Path) -> list[list[str]]:
    own = os.getpid()
    found: list[list[str]] = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        command = process.info["cmdline"] or []
        if process.info["pid"] != own and any(str(folder) in part for part in command):
            found.append(command)
    return found
