"""The control plane that every sandbox brings: real, its own, on loopback, and gone without a trace."""

import json
import os
import signal
import ssl
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
import yaml

from sandbox import cluster as control_plane
from sandbox.cluster import Cluster, kwokctl
from sandbox.processes import running
from sandbox.toolchain import Toolchain
from sandbox.toolchain.crds import ensure_crds
from tests import control_planes
from tests.integration.sandbox.kubectl import Kubectl, eventually

ROOT = Path(__file__).parents[3]


def processes_of(folder: Path) -> list[psutil.Process]:
    return running(kwokctl.belongs_to(folder))


def test_three_nodes_are_ready_in_three_zones(kubectl: Kubectl):
    nodes = kubectl.items("nodes")
    zones = {node["metadata"]["name"]: node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in nodes}
    assert zones == {"node-0": "zone-a", "node-1": "zone-b", "node-2": "zone-c"}
    for node in nodes:
        assert {"type": "Ready", "status": "True"}.items() <= next(
            condition for condition in node["status"]["conditions"] if condition["type"] == "Ready"
        ).items()


def test_the_only_context_is_called_sandbox(cluster: Cluster):
    kubeconfig = yaml.safe_load(cluster.kubeconfig.read_text())
    assert [context["name"] for context in kubeconfig["contexts"]] == ["sandbox"]
    assert kubeconfig["current-context"] == cluster.context == "sandbox"


def test_all_listen_on_loopback_only(cluster: Cluster):
    listening = [
        connection.laddr
        for process in processes_of(cluster.folder)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) >= 6
    assert {address.ip for address in listening} == {"127.0.0.1"}


def test_no_other_user_can_read_its_files(cluster: Cluster):
    assert stat.S_IMODE(cluster.folder.stat().st_mode) == 0o700
    keys = [*cluster.folder.rglob("*.key"), *cluster.folder.rglob("*.crt"), cluster.kubeconfig]
    assert len(keys) >= 5
    for key in keys:
        assert stat.S_IMODE(key.stat().st_mode) == 0o600, key


@pytest.fixture(scope="module")
def second(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A control plane with the kinds of all publishers, beside the one of all tests."""
    folder = tmp_path_factory.mktemp("second") / "cluster"
    with control_planes.running(folder, toolchain, crds=ensure_crds()) as cluster:
        yield cluster


@pytest.mark.parametrize(
    "name",
    [
        "installations.operator.tigera.io",
        "ippools.crd.projectcalico.org",
        "volumes.longhorn.io",
        "recurringjobs.longhorn.io",
        "postgresqls.acid.zalan.do",
    ],
)
def test_the_publishers_crds_are_established(second: Cluster, toolchain: Toolchain, name: str):
    crd = json.loads(Kubectl(second, toolchain)("get", "crd", name, "-o", "json"))
    assert {"type": "Established", "status": "True"}.items() <= crd["status"]["conditions"][-1].items()


def test_kinds_of_calicos_enterprise_edition_are_absent(second: Cluster, toolchain: Toolchain):
    names = {crd["metadata"]["name"] for crd in Kubectl(second, toolchain).items("crd")}
    assert not names & {"logstorages.operator.tigera.io", "managers.operator.tigera.io", "tenants.operator.tigera.io"}


def test_a_service_account_may_do_nothing_until_it_is_bound(kubectl: Kubectl, namespace: str):
    answer = kubectl.run("auth", "can-i", "list", "pods", f"--as=system:serviceaccount:{namespace}:default")
    assert answer.stdout.strip() == "no"


def test_an_anonymous_request_is_refused(cluster: Cluster):
    authority = ssl.create_default_context(cafile=kwokctl.work_folder(cluster.folder) / "pki" / "ca.crt")
    answer = httpx.get(f"{server_of(cluster)}/api/v1/secrets", verify=authority)
    assert answer.status_code == 403
    assert "system:anonymous" in answer.json()["message"]


def test_a_privileged_pod_is_refused_in_a_restricted_namespace(kubectl: Kubectl, namespace: str):
    kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    refused = kubectl.run("run", "naked", "--image=example.com/x", f"--namespace={namespace}")
    assert refused.returncode != 0
    assert 'violates PodSecurity "restricted:latest"' in refused.stderr


def test_there_is_room_for_more_services_than_a_24_bit_range_has(kubectl: Kubectl):
    assert kubectl.items("servicecidr")[0]["spec"]["cidrs"] == ["10.96.0.0/16"]


def test_two_side_by_side_do_not_touch_each_other(
    kubectl: Kubectl, second: Cluster, cluster: Cluster, toolchain: Toolchain
):
    other = Kubectl(second, toolchain)
    kubectl("create", "namespace", "only-in-the-first")
    assert not other("get", "namespace", "only-in-the-first", "--ignore-not-found")
    foreign = other.run("get", "nodes", f"--server={server_of(cluster)}")
    assert foreign.returncode != 0, "the second's credentials open the first"
    control_plane.stop(second.folder, toolchain)
    assert control_plane.find(cluster.folder) == cluster
    assert len(kubectl.items("nodes")) == 3
    kubectl("delete", "namespace", "only-in-the-first")


def server_of(cluster: Cluster) -> str:
    return yaml.safe_load(cluster.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]


def test_after_a_crash_stop_leaves_no_process_and_no_file(toolchain: Toolchain, tmp_path: Path):
    folder = tmp_path / "crashed"
    started = control_plane.start(folder, toolchain)
    assert control_plane.find(folder) == started
    by_name = {Path(process.cmdline()[0]).name: process for process in processes_of(folder)}
    assert by_name.keys() == kwokctl.COMPONENTS
    for name in ("etcd", "kube-apiserver", "kwok-controller"):
        by_name[name].send_signal(signal.SIGKILL)
    eventually(lambda: control_plane.find(folder) is None, "seen as dead")
    control_plane.stop(folder, toolchain)
    assert not processes_of(folder)
    assert not folder.exists()
    control_plane.stop(folder, toolchain)


@pytest.mark.parametrize("after", [0.3, 1.5])
def test_a_start_that_was_killed_is_cleared_away_by_stop(toolchain: Toolchain, tmp_path: Path, after: float):
    folder = tmp_path / "killed"
    code = (
        "from pathlib import Path; from sandbox import cluster; from sandbox.toolchain import Toolchain;"
        f"cluster.start(Path({str(folder)!r}), Toolchain(Path({str(toolchain.bin)!r})))"
    )
    start = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    eventually(lambda: bool(processes_of(folder)), "something of it runs")
    time.sleep(after)
    os.kill(start.pid, signal.SIGKILL)
    start.wait()
    control_plane.stop(folder, toolchain)
    assert not processes_of(folder)
    assert not folder.exists()


def test_a_start_that_fails_leaves_nothing_and_says_why(
    toolchain: Toolchain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    broken = tmp_path / "bin"
    broken.mkdir()
    for program in toolchain.bin.iterdir():
        (broken / program.name).symlink_to(program)
    (broken / "kube-apiserver").unlink()
    (broken / "kube-apiserver").write_text("#!/bin/sh\necho no such luck >&2\nexit 1\n")
    (broken / "kube-apiserver").chmod(0o755)
    monkeypatch.setattr(kwokctl, "READY_SECONDS", 5)
    with pytest.raises(control_plane.SandboxError, match="no such luck"):
        control_plane.start(tmp_path / "failed", Toolchain(broken))
    assert not (tmp_path / "failed").exists()
    assert not processes_of(tmp_path / "failed")
