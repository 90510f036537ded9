"""Our controllers run outside the cluster, each as the ServiceAccount that is declared for it."""

import base64
import json
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from sandbox import cluster as control_plane
from sandbox import controllers, supervisor
from sandbox.folder import Folder
from sandbox.processes import running
from sandbox.toolchain import Toolchain
from tests.unit.declared import declare, stack_file

ROOT = Path(__file__).parents[3]
NAMES = ["memcached-controller", "watch", "website-controller"]
WEBSITES = "website-controller"
IMAGES = {stack_file("dev")["websites"]["controller"][key] for key in ("nginxImage", "gitSyncImage")}
# What the controllers need of all that the program declares, in the order of its creation.
KINDS = (
    "Namespace",
    "CustomResourceDefinition",
    "ServiceAccount",
    "ClusterRole",
    "Role",
    "RoleBinding",
    "Deployment",
)


class Site:
    """A sandbox's folder with a control plane on which what the program declares for the controller exists."""

    def __init__(self, folder: Folder, toolchain: Toolchain) -> None:
        self.folder = folder
        self.toolchain = toolchain

    def kubectl(self, *arguments: str, stdin: object = None) -> str:
        command = [self.toolchain.path("kubectl"), f"--kubeconfig={self.folder.kubeconfig}", *arguments]
        text = None if stdin is None else json.dumps(stdin)
        return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout

    def apply(self, *objects: object) -> None:
        everything = {"apiVersion": "v1", "kind": "List", "items": objects}
        self.kubectl("apply", "--server-side", "-f", "-", stdin=everything)

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in self.folder.logs.glob("*.log"))

    def home(self, name: str = WEBSITES) -> Path:
        return self.folder.controllers / name

    def processes(self, name: str = WEBSITES) -> list[psutil.Process]:
        """Return a controller's own process, without its supervisor."""
        kubeconfig = str(self.home(name) / "kubeconfig")
        return running(lambda command: "sandbox.supervisor" not in command and kubeconfig in command)

    def supervisors(self, name: str = WEBSITES) -> list[psutil.Process]:
        mine = ["-m", "sandbox.supervisor", str(self.folder.root), name]
        return running(lambda command: command[1:5] == mine)


def declared() -> Iterator[list[Any]]:
    """Yield what the program declares for its controllers, kind by kind."""
    objects = [*declare(stack_file("dev")).objects()]
    for kind in KINDS:
        yield [dict(each.inputs) for each in objects if each.kind == kind]


@pytest.fixture(scope="module")
def site(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(Folder(tmp_path_factory.mktemp("site"), project=ROOT), toolchain)
    made.folder.logs.mkdir()
    try:
        control_plane.start(made.folder.cluster, toolchain)
        yield made
    finally:
        controllers.stop(made.folder)
        control_plane.stop(made.folder.cluster, toolchain)


@pytest.fixture(scope="module")
def declared_site(site: Site) -> Site:
    for objects in declared():
        site.apply(*objects)
    return site


@pytest.fixture
def running_site(declared_site: Site) -> Site:
    """All controllers run, started anew if the test before stopped any."""
    site = declared_site
    if controllers.running(site.folder) != NAMES:
        assert controllers.start(site.folder, site.toolchain) == NAMES
    eventually(lambda: all(len(site.processes(name)) == 1 for name in NAMES), "the controllers run", site)
    return site


def eventually(condition: Callable[[], bool], what: str, site: Site, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}\n{site.logs()}"
        time.sleep(0.2)


def claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def test_without_a_declared_controller_none_is_started(site: Site):
    assert controllers.start(site.folder, site.toolchain) == []
    assert not controllers.running(site.folder)


@pytest.mark.parametrize(
    ("name", "account"),
    [
        ("memcached-controller", "memcached-system:memcached-controller"),
        ("watch", "samples:watcher"),
        ("website-controller", "website-system:website-controller"),
    ],
)
def test_each_holds_nothing_but_a_token_of_its_own_service_account(running_site: Site, name: str, account: str):
    kubeconfig = yaml.safe_load((running_site.home(name) / "kubeconfig").read_text())
    assert [list(user["user"]) for user in kubeconfig["users"]] == [["tokenFile"]]
    token = running_site.home(name) / "token"
    assert claims(token.read_text())["sub"] == f"system:serviceaccount:{account}"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600


def test_it_serves_websites_with_the_declared_images(running_site: Site):
    metadata = {"name": "home", "namespace": "websites"}
    spec = {"gitRepo": "https://example.com/home.git"}
    running_site.apply(
        {"apiVersion": "extensions.example.com/v1", "kind": "Website", "metadata": metadata, "spec": spec}
    )
    query = ["get", "deployment", "home-website", "-n", "websites", "--ignore-not-found", "-o", "json"]
    eventually(lambda: bool(running_site.kubectl(*query)), "the child is there", running_site)
    assert {
        container["image"]
        for containers in ("containers", "initContainers")
        for container in json.loads(running_site.kubectl(*query))["spec"]["template"]["spec"].get(containers, [])
    } >= IMAGES
    running_site.kubectl("delete", "website", "home", "-n", "websites")


def test_the_watcher_logs_samples_and_goes_on_where_it_was_when_it_is_started_again(running_site: Site):
    def told() -> list[tuple[str, str]]:
        log = (running_site.folder.logs / "watch.log").read_text().splitlines()
        records = [json.loads(line) for line in log if line.startswith('{"time"')]
        return [(each["type"], each["object"]["metadata"]["name"]) for each in records if "object" in each]

    for name in ("first", "second"):
        metadata = {"name": name, "namespace": "samples"}
        running_site.apply({"apiVersion": "bookofkubernetes.com/v1", "kind": "Sample", "metadata": metadata})
        eventually(lambda name=name: ("added", name) in told(), "the record is there", running_site)
        assert controllers.start(running_site.folder, running_site.toolchain) == NAMES
    assert told() == [("added", "first"), ("added", "second")]
    running_site.kubectl("delete", "samples", "--all", "-n", "samples")


def test_it_serves_memcacheds(running_site: Site):
    metadata = {"name": "cache", "namespace": "memcached"}
    running_site.apply(
        {"apiVersion": "cache.example.com/v1alpha1", "kind": "Memcached", "metadata": metadata, "spec": {}}
    )

    def nodes() -> list[str]:
        found = running_site.kubectl("get", "memcached", "cache", "-n", "memcached", "-o", "json")
        return json.loads(found).get("status", {}).get("nodes", [])

    eventually(lambda: len(nodes()) == 1, "the node is there", running_site)
    running_site.kubectl("delete", "memcached", "cache", "-n", "memcached")


@pytest.mark.parametrize("name", NAMES)
def test_each_listens_on_loopback_only(running_site: Site, name: str):
    def listening() -> set[str]:
        connections = running_site.processes(name)[0].net_connections(kind="inet")
        return {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}

    eventually(lambda: bool(listening()), "it listens", running_site)
    assert listening() == {"127.0.0.1"}


def test_a_killed_controller_is_started_again_with_a_new_token(running_site: Site):
    first, token = running_site.processes()[0], (running_site.home() / "token").read_text()
    first.send_signal(signal.SIGKILL)
    eventually(
        lambda: [process.pid for process in running_site.processes()] not in ([], [first.pid]),
        "another one runs",
        running_site,
    )
    assert (running_site.home() / "token").read_text() != token


def test_a_token_is_renewed_at_half_its_life_and_a_refusal_is_retried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kubectl = tmp_path / "kubectl"
    # The second request is refused.
    kubectl.write_text(
        f'#!/bin/sh\necho x >> {tmp_path}/n\nn=$(wc -l < {tmp_path}/n)\n[ "$n" != 2 ] && echo "token $n"\n'
    )
    kubectl.chmod(0o755)
    monkeypatch.setattr(supervisor, "_TOKEN_SECONDS", 1)
    monkeypatch.setattr(supervisor, "_RETRY_SECONDS", 0.1)
    watched = supervisor.Supervisor(tmp_path, "system/account", [str(kubectl)], [])
    token = tmp_path / "token"

    watched._renew_when_due()
    watched._renew_when_due()
    assert token.read_text() == "token 1"
    time.sleep(0.6)
    watched._renew_when_due()
    assert token.read_text() == "token 3"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600


def test_a_second_start_takes_the_place_of_the_first(running_site: Site):
    first = running_site.supervisors()
    assert controllers.start(running_site.folder, running_site.toolchain) == NAMES
    assert not any(process.is_running() for process in first)
    eventually(lambda: len(running_site.processes()) == 1, "one controller runs", running_site)
    assert len(running_site.supervisors()) == 1


def test_stop_ends_both_even_after_the_supervisor_was_killed(running_site: Site):
    running_site.supervisors()[0].send_signal(signal.SIGKILL)
    eventually(lambda: WEBSITES not in controllers.running(running_site.folder), "it is dead", running_site)
    assert running_site.processes()
    controllers.stop(running_site.folder)
    assert not running_site.processes()
    controllers.stop(running_site.folder)
