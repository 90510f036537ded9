"""A second sandbox beside the first: taken down, interrupted, resumed, and gone without a trace."""

import json
import os
import signal
import time
from collections.abc import Collection, Generator, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from sandbox.toolchain import Toolchain
from tests.integration.stack.checkout import Checkout

PARTS = ("calico", "longhorn", "postgres", "redis", "websites", "memcached", "samples")
SMALL = ("longhorn", "redis")
OWN_NAMESPACES = {
    "postgres", "postgres-operator", "redis", "websites", "website-system", "memcached", "memcached-system", "samples",
}  # fmt: skip


def up(folder: Path, *, only: Collection[str] = ()) -> Generator[Checkout]:
    """Roll a stack out in a sandbox of its own: dev's, or of some of its parts only."""
    checkout = Checkout(folder)
    checkout.edit(lambda sections: leave(sections, only or PARTS))
    try:
        checkout.sandbox("up")
        yield checkout
    finally:
        checkout.sandbox("clean", check=False)


def leave(sections: dict[str, Any], parts: Collection[str]) -> None:
    """Turn all other parts of the stack off."""
    sections.update({part: {"enabled": False} for part in PARTS if part not in parts})


@pytest.fixture(scope="module")
def first(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """A sandbox that is up all the time; of Redis alone, which is what is looked at in both."""
    yield from up(tmp_path_factory.mktemp("first") / "project", only=SMALL)


@pytest.fixture(scope="module")
def second(first: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Another sandbox with all of dev, while the first one is up."""
    yield from up(tmp_path_factory.mktemp("second") / "project")


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


def test_destroy_leaves_no_object_and_no_volume(second: Checkout) -> None:
    assert left_behind(second)
    second.pulumi("destroy", "--yes", "--skip-preview")
    second.eventually(lambda: left_behind(second) == [], "nothing left")
    assert json.loads(second.pulumi("stack", "export").stdout)["deployment"].get("resources", []) == []


def test_a_preview_on_an_empty_cluster_shows_every_object_as_new(second: Checkout) -> None:
    steps = second.preview()
    assert {step.op for step in steps} == {"create"}
    names = {step.name for step in steps}
    assert {"installation", "storage-class-longhorn", "cluster", "servers", "crd", "site-kubia"} <= names
    assert left_behind(second) == []


@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "SIGKILL"])
def test_an_interrupted_up_resumes(second: Checkout, blow: signal.Signals) -> None:
    second.pulumi("destroy", "--yes", "--skip-preview")
    # Going on takes the same whatever is declared.
    second.edit(lambda sections: leave(sections, SMALL))
    running = second.start_pulumi("up", "--yes", "--skip-preview")
    second.eventually(lambda: bool(left_behind(second)), "the first objects")
    os.killpg(running.pid, blow)
    running.communicate(timeout=60)
    # After a SIGKILL the lock of the dead engine stays, and what it was doing is pending.
    second.sandbox("up")
    second.pulumi("preview", "--expect-no-changes", "--refresh")
    assert second.get("statefulset", "redis-sfs", "redis")["status"]["readyReplicas"] == 3


def test_two_sandboxes_side_by_side_do_not_touch_each_other(first: Checkout, second: Checkout) -> None:
    first_uid, second_uid = (c.get("namespace", "kube-system")["metadata"]["uid"] for c in (first, second))
    assert first_uid != second_uid
    second.edit(lambda sections: sections["redis"].update(instances=5))
    second.up()
    assert second.get("statefulset", "redis-sfs", "redis")["spec"]["replicas"] == 5
    assert first.get("statefulset", "redis-sfs", "redis")["spec"]["replicas"] == 3
    first.pulumi("preview", "--expect-no-changes", "--refresh")


def test_down_leaves_no_process_and_no_file_and_touches_no_tracked_file(second: Checkout) -> None:
    second.restore()
    second.sandbox("down")
    # Processes need a moment to be reaped.
    deadline = time.monotonic() + 10
    while (found := _processes_of(second.folder)) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert found == []
    # The operator's chart lies beside the sandboxes, for all of them.
    assert [path.name for path in (second.folder / ".sandbox").glob("*")] == ["postgres-operator.tgz"]
    assert "encryptionsalt" not in (second.folder / "Pulumi.dev.yaml").read_text()


def _processes_of(folder: Path) -> list[list[str]]:
    own = os.getpid()
    found: list[list[str]] = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        command = process.info["cmdline"] or []
        if process.info["pid"] != own and any(str(folder) in part for part in command):
            found.append(command)
    return found
