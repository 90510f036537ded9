"""The Website controller runs outside the cluster, as the ServiceAccount that is declared for it."""

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

from controllers.website.rbac import NAMESPACE_RULES
from sandbox import cluster as control_plane
from sandbox import controller, supervisor
from sandbox.folder import Folder
from sandbox.processes import running
from sandbox.toolchain import Toolchain

ROOT = Path(__file__).parents[3]
ACCOUNT = {"name": "website-controller", "namespace": "website-system"}
IMAGES = {"NGINX_IMAGE": "example.com/nginx:1", "GIT_SYNC_IMAGE": "example.com/git-sync:1"}


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

    def processes(self) -> list[psutil.Process]:
        """Return the controller's own process, without its supervisor."""
        kubeconfig = str(self.folder.controller / "kubeconfig")
        return running(lambda command: command[2:3] == ["controllers.website"] and kubeconfig in command)

    def supervisors(self) -> list[psutil.Process]:
        return running(lambda command: "sandbox.supervisor" in command and str(self.folder.root) in command)


def declared() -> list[dict[str, Any]]:
    """Return what the program declares for the controller, as far as this test needs it."""
    rules = [
        {"apiGroups": [*rule.api_groups], "resources": [*rule.resources], "verbs": [*rule.verbs]}
        for rule in NAMESPACE_RULES
    ]
    here = {"name": "website-controller", "namespace": "pages"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": here["name"]}
    variables = {"WATCH_NAMESPACE": "pages", "HEALTH_ADDRESS": "0.0.0.0:8080", **IMAGES}
    container = {
        "name": "controller",
        "image": "example.com/controllers:1",
        "env": [{"name": name, "value": value} for name, value in variables.items()],
    }
    labels = {"app": "website-controller"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    rbac = "rbac.authorization.k8s.io/v1"
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "website-system"}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "pages"}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": ACCOUNT},
        {"apiVersion": rbac, "kind": "Role", "metadata": here, "rules": rules},
        {
            "apiVersion": rbac,
            "kind": "RoleBinding",
            "metadata": here,
            "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", **ACCOUNT}],
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": ACCOUNT,
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        },
    ]


@pytest.fixture(scope="module")
def site(toolchain: Toolchain, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(Folder(tmp_path_factory.mktemp("site"), project=ROOT), toolchain)
    made.folder.logs.mkdir()
    try:
        control_plane.start(made.folder.cluster, toolchain)
        made.apply(yaml.safe_load((ROOT / "crds" / "websites.yaml").read_text()))
        yield made
    finally:
        controller.stop(made.folder)
        control_plane.stop(made.folder.cluster, toolchain)


@pytest.fixture
def running_site(site: Site) -> Iterator[Site]:
    site.apply(*declared())
    assert controller.start(site.folder, site.toolchain)
    eventually(lambda: len(site.processes()) == 1, "the controller runs", site)
    yield site
    controller.stop(site.folder)


def eventually(condition: Callable[[], bool], what: str, site: Site, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, (
            f"not within {seconds} s: {what}\n{controller.log_of(site.folder).read_text()}"
        )
        time.sleep(0.2)


def claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def test_without_a_declared_controller_none_is_started(site: Site):
    assert controller.start(site.folder, site.toolchain) is False
    assert not controller.running(site.folder)


def test_it_holds_nothing_but_a_token_of_its_own_service_account(running_site: Site):
    kubeconfig = yaml.safe_load((running_site.folder.controller / "kubeconfig").read_text())
    assert [list(user["user"]) for user in kubeconfig["users"]] == [["tokenFile"]]
    token = running_site.folder.controller / "token"
    assert claims(token.read_text())["sub"] == "system:serviceaccount:website-system:website-controller"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600


def test_it_serves_websites_with_the_declared_images(running_site: Site):
    metadata = {"name": "home", "namespace": "pages"}
    spec = {"gitRepo": "https://example.com/home.git"}
    running_site.apply(
        {"apiVersion": "extensions.example.com/v1", "kind": "Website", "metadata": metadata, "spec": spec}
    )
    query = ["get", "deployment", "home-website", "-n", "pages", "--ignore-not-found", "-o", "json"]
    eventually(lambda: bool(running_site.kubectl(*query)), "the child is there", running_site)
    assert set(IMAGES.values()) <= {
        container["image"]
        for containers in ("containers", "initContainers")
        for container in json.loads(running_site.kubectl(*query))["spec"]["template"]["spec"].get(containers, [])
    }
    running_site.kubectl("delete", "website", "home", "-n", "pages")


def test_it_listens_on_loopback_only(running_site: Site):
    def listening() -> set[str]:
        connections = running_site.processes()[0].net_connections(kind="inet")
        return {connection.laddr.ip for connection in connections if connection.status == psutil.CONN_LISTEN}

    eventually(lambda: bool(listening()), "it listens", running_site)
    assert listening() == {"127.0.0.1"}


def test_a_killed_controller_is_started_again_with_a_new_token(running_site: Site):
    first, token = running_site.processes()[0], (running_site.folder.controller / "token").read_text()
    first.send_signal(signal.SIGKILL)
    eventually(
        lambda: [process.pid for process in running_site.processes()] not in ([], [first.pid]),
        "another one runs",
        running_site,
    )
    assert (running_site.folder.controller / "token").read_text() != token


def test_a_token_is_renewed_at_half_its_life_and_a_refusal_is_retried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    kubectl = tmp_path / "kubectl"
    # The second request is refused.
    kubectl.write_text(
        f'#!/bin/sh\necho x >> {tmp_path}/n\nn=$(wc -l < {tmp_path}/n)\n[ "$n" != 2 ] && echo "token $n"\n'
    )
    kubectl.chmod(0o755)
    (tmp_path / "controller").mkdir()
    monkeypatch.setattr(supervisor, "_TOKEN_SECONDS", 1)
    monkeypatch.setattr(supervisor, "_RETRY_SECONDS", 0.1)
    watched = supervisor.Supervisor(Folder(tmp_path), str(kubectl), [])
    token = tmp_path / "controller" / "token"

    watched._renew_when_due()
    watched._renew_when_due()
    assert token.read_text() == "token 1"
    time.sleep(0.6)
    watched._renew_when_due()
    assert token.read_text() == "token 3"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600


def test_a_second_start_takes_the_place_of_the_first(running_site: Site):
    first = running_site.supervisors()
    assert controller.start(running_site.folder, running_site.toolchain)
    assert not any(process.is_running() for process in first)
    eventually(lambda: len(running_site.processes()) == 1, "one controller runs", running_site)
    assert len(running_site.supervisors()) == 1


def test_stop_ends_both_even_after_the_supervisor_was_killed(running_site: Site):
    running_site.supervisors()[0].send_signal(signal.SIGKILL)
    eventually(lambda: not controller.running(running_site.folder), "the supervisor is dead", running_site)
    assert running_site.processes()
    controller.stop(running_site.folder)
    assert not running_site.processes()
    controller.stop(running_site.folder)
