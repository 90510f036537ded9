"""Whatever ends a sandbox with real nodes, the machine is afterwards as it was before."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sandbox import cluster as control_plane
from sandbox.cluster import real
from sandbox.cluster.real import cgroups, layout, namespaces, requirements
from sandbox.errors import SandboxError
from sandbox.toolchain import Toolchain
from tests.integration.sandbox.kubectl import Kubectl, eventually
from tests.processes import living

ROOT = Path(__file__).parents[3]
TUNABLES = ("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "net/ipv4/ip_forward")
SHARED_FOLDERS = ("/run", "/run/netns", "/run/containerd", "/var/lib", "/var/log", "/var/lib/cni", "/etc/cni", "/opt")


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def listing(folder: str) -> list[str] | None:
    with contextlib.suppress(FileNotFoundError):
        return sorted(entry.name for entry in Path(folder).iterdir())
    return None


def state_of_machine() -> dict[str, object]:
    """What a sandbox might change that other programs of the machine see."""
    return {
        "mounts": Path("/proc/self/mounts").read_text(),
        "links": output("ip", "-brief", "link"),
        "addresses": output("ip", "-brief", "address"),
        "routes": output("ip", "route", "show", "table", "all"),
        "firewall": output("nft", "list", "ruleset"),
        "network namespaces": output("ip", "netns", "list"),
        "kernel settings": {name: Path("/proc/sys", name).read_text() for name in TUNABLES},
        "folders": {folder: listing(folder) for folder in SHARED_FOLDERS},
    }


@pytest.fixture
def sandboxes(tmp_path: Path, real_toolchain: Toolchain) -> Iterator[Path]:
    """A folder whose folders hold sandboxes, all ended after the test, however it went."""
    yield tmp_path
    for folder in tmp_path.iterdir():
        control_plane.stop(folder, real_toolchain)


@pytest.fixture
def unchanged(sandboxes: Path) -> Iterator[Path]:
    """A folder for a sandbox; whatever the test does with it, the machine must be as before in the end."""
    folder = sandboxes / "cluster"
    before = state_of_machine()
    yield folder
    # The kernel takes network namespaces apart a little after their last process.
    eventually(lambda: state_of_machine() == before, "as before")
    assert not folder.exists()
    assert not [group for root in cgroups.hierarchies() if (group := root / layout.cgroup(folder)).exists()]


def everything(folder: Path) -> list[psutil.Process]:
    """All processes of the sandbox: the holder of its namespaces and all below it."""
    holder = next(iter(running(folder)))
    return [holder, *holder.children(recursive=True)]


def running(folder: Path) -> list[psutil.Process]:
    """The sandbox's holders of namespaces, the outermost first."""
    found = [
        process
        for process in psutil.process_iter()
        if namespaces.belongs_to(folder)(cmdline_of(process)) and cmdline_of(process)[0] == "unshare"
    ]
    return sorted(found, key=lambda process: len(process.parents()))


def cmdline_of(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return process.cmdline() or [""]
    return [""]


def test_stop_leaves_nothing_and_a_sandbox_beside_it_is_not_touched(
    unchanged: Path, real_toolchain: Toolchain, archives: list[Path], sandboxes: Path
):
    first = control_plane.start(unchanged, real_toolchain, nodes="real", count=2, archives=archives)
    second = control_plane.start(sandboxes / "second", real_toolchain, nodes="real", count=1, archives=archives)
    ended = everything(first.folder)
    assert {"containerd", "kubelet", "kube-proxy", "etcd", "coredns"} <= {each.name() for each in ended}
    control_plane.stop(first.folder, real_toolchain)
    assert not living(ended)
    assert control_plane.find(first.folder) is None
    assert control_plane.find(second.folder) == second
    kubectl = Kubectl(second, real_toolchain)
    kubectl("wait", "--for=condition=Ready", "node/node-0", "--timeout=5s")
    assert kubectl.run("get", "node", "node-1").returncode != 0
    control_plane.stop(second.folder, real_toolchain)


def test_when_the_holder_is_killed_all_below_it_dies_and_stop_removes_the_rest(
    unchanged: Path, real_toolchain: Toolchain, archives: list[Path]
):
    control_plane.start(unchanged, real_toolchain, nodes="real", count=1, archives=archives)
    killed = everything(unchanged)
    killed[0].kill()
    eventually(lambda: not living(killed), "all dead")
    assert control_plane.find(unchanged) is None
    control_plane.stop(unchanged, real_toolchain)
    control_plane.stop(unchanged, real_toolchain)


# After that many seconds the namespaces are there, the control plane, the nodes.
@pytest.mark.parametrize("after", [0.2, 3.0, 5.0])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_start_that_is_broken_off_leaves_nothing(
    unchanged: Path, real_toolchain: Toolchain, archives: list[Path], number: signal.Signals, after: float
):
    code = (
        # A shell's background job, as this test may be, ignores a Ctrl-C.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from pathlib import Path; from sandbox import cluster; from sandbox.toolchain import Toolchain;"
        f"cluster.start(Path({str(unchanged)!r}), Toolchain(Path({str(real_toolchain.bin)!r})), nodes='real',"
        f"count=2, archives=[Path(file) for file in {[str(file) for file in archives]!r}])"
    )
    # A process group of its own, as a shell gives to a command: a Ctrl-C reaches all of it.
    start = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, start_new_session=True, stderr=subprocess.DEVNULL)
    eventually(lambda: bool(running(unchanged)), "something of it runs")
    time.sleep(after)
    ended = everything(unchanged)
    os.killpg(start.pid, number)
    assert start.wait(30) != 0
    if number == signal.SIGKILL:
        control_plane.stop(unchanged, real_toolchain)
    assert not living(ended)
    assert not running(unchanged)


def test_a_start_that_fails_says_why_and_leaves_nothing(
    unchanged: Path, real_toolchain: Toolchain, archives: list[Path]
):
    pause = [archive for archive in archives if "pause" in archive.name]
    with pytest.raises(SandboxError, match=r"need an image called 'coredns'; archives hold sandbox\.local/pause:"):
        control_plane.start(unchanged, real_toolchain, nodes="real", archives=pause)


@pytest.mark.parametrize("count", [0, 27])
def test_a_number_of_nodes_that_can_not_be_is_refused(unchanged: Path, real_toolchain: Toolchain, count: int):
    with pytest.raises(SandboxError, match=rf"count is {count}; allowed are 1 to 26 real nodes"):
        control_plane.start(unchanged, real_toolchain, nodes="real", count=count)


def test_what_a_machine_lacks_is_named_in_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(requirements, "_MEMORY_GIBIBYTES", 1 << 20)
    assert str(real.missing()).startswith("Real nodes need 1048576 GiB of free memory; ")
    monkeypatch.undo()
    monkeypatch.setattr(requirements, "_DISK_GIBIBYTES", 1 << 20)
    assert str(real.missing(tmp_path)).startswith(f"Real nodes need 1048576 GiB of free disk at {tmp_path}; ")
    monkeypatch.undo()
    monkeypatch.setattr(requirements, "_PROBES", (("a flux capacitor", "echo none there >&2; false"),))
    assert real.missing() == "Real nodes need a flux capacitor, which this machine refuses: none there"
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "install them with `sandbox/debian-packages.sh`" in str(real.missing())
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert real.missing() == "Real nodes need root; you are the user with id 1000."
