"""Control groups of a sandbox's pods: made for kubelet, found by process, removed without a trace."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from sandbox.cluster import real
from sandbox.cluster.real import cgroups
from sandbox.errors import SandboxError

VERSION_1 = Path("/sys/fs/cgroup/cpuset/cpuset.cpus")
# Where both versions are there, the second has the controllers that the first leaves to it.
BESIDE_VERSION_1 = Path("/sys/fs/cgroup/unified")


@pytest.fixture(autouse=True)
def able() -> None:
    if lack := real.missing():
        pytest.skip(lack)


@pytest.fixture
def name() -> Iterator[str]:
    chosen = f"platform-test-{uuid4().hex[:12]}"
    yield chosen
    cgroups.remove(chosen)


def groups(name: str) -> list[Path]:
    return [hierarchy / name for hierarchy in cgroups.hierarchies() if (hierarchy / name).exists()]


def test_a_group_is_made_in_every_hierarchy_and_removed_with_all_below_it(name: str):
    cgroups.create(f"{name}/node-0")
    assert len(groups(f"{name}/node-0")) == len(cgroups.hierarchies())
    for group in groups(f"{name}/node-0"):
        (group / "kubepods" / "pod").mkdir(parents=True)
    cgroups.remove(name)
    assert not groups(name)
    cgroups.remove(name)


def test_a_process_is_found_by_its_container(name: str):
    cgroups.create(f"{name}/node-0/pod/container")
    root = cgroups.ROOT if cgroups.is_unified() else cgroups.ROOT / "pids"
    # In version 2 processes are in groups without children only.
    leaf = root / name / "node-0" / "pod" / "container" / "leaf"
    leaf.mkdir()
    with subprocess.Popen(["sleep", "60"]) as process:
        (leaf / "cgroup.procs").write_text(str(process.pid))
        assert cgroups.processes_of(name, "container") == [process.pid]
        assert cgroups.processes_of(name, "other") == []
        process.kill()


def test_a_group_that_still_holds_a_process_is_named(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cgroups, "_EMPTY_SECONDS", 0.2)
    root = cgroups.ROOT if cgroups.is_unified() else cgroups.ROOT / "pids"
    (root / name).mkdir()
    with subprocess.Popen(["sleep", "60"]) as process:
        (root / name / "cgroup.procs").write_text(str(process.pid))
        with pytest.raises(SandboxError, match=f"{root / name} can't be removed"):
            cgroups.remove(name)
        process.kill()


@pytest.mark.skipif(not VERSION_1.exists(), reason="this machine has no control groups of version 1")
def test_in_version_1_processors_and_memory_are_handed_down(name: str):
    cgroups.create(f"{name}/node-0")
    for file in ("cpuset.cpus", "cpuset.mems"):
        root = Path("/sys/fs/cgroup/cpuset")
        assert (root / name / "node-0" / file).read_text() == (root / file).read_text() != "\n"


@pytest.fixture
def version_2(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The root of a hierarchy of version 2 that has at least one controller; what is switched on is switched off."""
    root = BESIDE_VERSION_1 if BESIDE_VERSION_1.is_dir() else cgroups.ROOT
    offered = root / "cgroup.controllers"
    if not offered.exists() or not set(offered.read_text().split()) & set(cgroups._USED):
        pytest.skip("this machine has no control groups of version 2 with a controller")
    subtree = root / "cgroup.subtree_control"
    before = set(subtree.read_text().split())
    monkeypatch.setattr(cgroups, "ROOT", root)
    yield root
    for switched_on in set(subtree.read_text().split()) - before:
        subtree.write_text(f"-{switched_on}")


def test_in_version_2_controllers_are_switched_on_down_to_the_node(version_2: Path):
    name = f"platform-test-{uuid4().hex[:12]}"
    offered = set((version_2 / "cgroup.controllers").read_text().split()) & set(cgroups._USED)
    cgroups.create(f"{name}/node-0")
    for level in (name, f"{name}/node-0"):
        assert offered <= set((version_2 / level / "cgroup.subtree_control").read_text().split())
    cgroups.remove(name)
    assert not (version_2 / name).exists()


def test_controllers_that_are_missing_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "cgroup.controllers").write_text("cpu memory io\n")
    monkeypatch.setattr(cgroups, "ROOT", tmp_path)
    assert real.missing() == ("Real nodes need the control group controllers cpuset, pids, which this machine hasn't.")
    monkeypatch.setattr(cgroups, "ROOT", tmp_path / "none")
    assert real.missing() == f"Real nodes need control groups at {tmp_path}/none, which this machine hasn't."
