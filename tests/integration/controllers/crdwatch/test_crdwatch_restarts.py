"""crdwatch while the API server is restarted, and its history compacted away."""

import base64
import subprocess

import httpx2
import pytest
from crdwatch_harness import administrator, open_lab, until
from fault_proxy import FaultProxy
from lightkube import ApiError, KubeConfig

from sandbox.cluster import kwokctl
from sandbox.processes import running
from tests import control_planes

FIRST = [("added", "changed", 1), ("added", "deleted", 2), ("added", "same", 3)]


class ApiServer:
    """The process of the API server, which may be stopped and started again."""

    def __init__(self, folder):
        belongs = kwokctl.belongs_to(folder)
        (self._process,) = running(lambda command: belongs(command) and command[0].endswith("/kube-apiserver"))
        self._command, self._folder = self._process.cmdline(), self._process.cwd()
        (self._etcd,) = [part.split("=", 1)[1] for part in self._command if part.startswith("--etcd-servers=")]
        self._log = folder / "apiserver-again.log"

    def kill(self):
        self._process.kill()
        self._process.wait(20)

    def start(self):
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, cwd=self._folder, stdout=log, stderr=log)

    def compact(self):
        """Throw away all history that etcd has."""
        key = base64.b64encode(b"/").decode()
        revision = httpx2.post(f"{self._etcd}/v3/kv/range", json={"key": key}).json()["header"]["revision"]
        answer = httpx2.post(f"{self._etcd}/v3/kv/compaction", json={"revision": revision, "physical": True})
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def control(toolchain, tmp_path_factory):
    """A control plane for this file alone, since its API server is stopped."""
    folder = tmp_path_factory.mktemp("restarts") / "cluster"
    with control_planes.running(folder, toolchain) as cluster:
        yield cluster


@pytest.fixture
def watching(control, declared, tmp_path):
    config = KubeConfig.from_file(control.kubeconfig).get()
    assert config
    with (
        administrator(config, declared) as api,
        FaultProxy(config).running() as proxy,
        open_lab(api, declared, proxy, tmp_path) as lab,
    ):
        for _, name, value in FIRST:
            lab.create(name, value)
        lab.start()
        lab.wait_told(*FIRST)
        until(lambda: proxy.watched)
        yield lab


@pytest.fixture(scope="module")
def server(control):
    server = ApiServer(control.folder)
    yield server
    # Before etcd, without which it doesn't end.
    server.kill()


def start_again(server, lab):
    """Start the API server and wait until it takes writes; it lets objects through before it knows their CRD."""
    server.start()

    def serves():
        try:
            lab.change("changed", 10)
        except (httpx2.TransportError, ApiError):
            return False
        return True

    until(serves)


def test_a_restarted_api_server_costs_no_record(watching, server):
    server.kill()
    start_again(server, watching)
    watching.delete("deleted")

    def told():
        # A new API server may have too little history to resume from; then what is gone comes first.
        first, changes = watching.told()[:3], [each for each in watching.told()[3:] if each[0] != "gap"]
        return first == FIRST and sorted(changes) == [("deleted", "deleted", 2), ("modified", "changed", 10)]

    until(told)


@pytest.mark.parametrize("away", ["cut off", "restarted"])
def test_what_was_deleted_in_compacted_history_is_logged_behind_one_gap(watching, server, away):
    if away == "cut off":
        watching.cut_off()
    else:
        assert watching.stop() == 0
    watching.delete("deleted")
    watching.create("passing", 4)
    watching.delete("passing")
    # The API server has history of its own, in memory.
    server.kill()
    server.compact()
    start_again(server, watching)
    if away == "cut off":
        watching.proxy.away = False
    else:
        watching.start()
    watching.wait_told(*FIRST, ("gap", "", None), ("deleted", "deleted", 2), ("modified", "changed", 10))
    assert "410 too old resource version" in watching.messages()
