"""The dev stack on real nodes, rolled out once for all tests of a worker, and a client inside the cluster."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sandbox import images
from sandbox.cluster import Cluster, find, real
from tests.integration.stack.checkout import Checkout

T = TypeVar("T")

OPERATOR = "system:serviceaccount:postgres-operator:postgres-operator"
CLIENT = {
    "apiVersion": "v1",
    "kind": "Namespace",
    "metadata": {"name": "client", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
}


class Platform(Checkout):
    """The rolled-out stack with what a test asks of its nodes, its pods and its network."""

    @property
    def cluster(self) -> Cluster:
        cluster = find(self.sandbox_folder.cluster)
        assert cluster, "the sandbox's control plane does not run"
        return cluster

    @property
    def outputs(self) -> dict[str, Any]:
        return json.loads(self.pulumi("stack", "output", "--json").stdout)

    def calls(self) -> list[dict[str, Any]]:
        """Return the answered requests of all ServiceAccounts, as the API server's audit log has them."""
        records = [json.loads(line) for line in self.cluster.audit_log.read_text().splitlines()]
        return [record for record in records if "responseStatus" in record]

    def apply(self, *objects: dict[str, Any]) -> None:
        manifest = Path(self.folder / "client.json")
        manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
        self.kubectl("apply", "-f", str(manifest))

    def pods(self, namespace: str, selector: str = "") -> list[dict[str, Any]]:
        return json.loads(self.kubectl("get", "pods", "-n", namespace, "-l", selector, "-o", "json"))["items"]

    def client(self, *command: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command in the client's pod."""
        return self.exec("client", "client", *command, stdin=stdin)

    def exec(
        self, namespace: str, pod: str, *command: str, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["kubectl", "exec", "-i", "-n", namespace, pod, "--", *command],
            env=self.environment,
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def page(self, url: str) -> str:
        """Return what a client in the cluster reads at ``url``; empty while nothing answers."""
        return self.client("curl", "--silent", "--fail", "--max-time", "2", url).stdout

    def seconds_until(self, condition: Callable[[], bool], what: str, seconds: float = 60) -> float:
        started = time.monotonic()
        self.eventually(condition, what, seconds)
        return time.monotonic() - started

    def ready(self, namespace: str, selector: str, count: int) -> bool:
        """Tell whether exactly ``count`` pods match, all of them Ready and none on its way out."""
        pods = self.pods(namespace, selector)
        return len(pods) == count and all(map(_is_ready, pods))

    def shows_no_change(self) -> None:
        """See that a preview that refreshes has nothing to do, once what was disturbed is well again."""
        # A Deployment that lacks a pod at that moment is one to update.
        well = ("--for=condition=Available", "--timeout=90s")
        self.kubectl("wait", "deployments", "--all", "--all-namespaces", *well)
        self.pulumi("preview", "--refresh", "--expect-no-changes")


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def denied_calls(platform: Platform) -> list[tuple[str, str, str]]:
    """Return which ServiceAccounts were denied what, by user, verb and address."""
    entitled = _entitled(platform)
    return [
        (record["user"]["username"], record["verb"], record["requestURI"])
        for record in platform.calls()
        if record["responseStatus"]["code"] in (401, 403)
        and not (record["user"]["username"] == OPERATOR and record["requestReceivedTimestamp"] < entitled)
    ]


def _entitled(platform: Platform) -> str:
    """Return when the Zalando operator surely had its rights; of its chart, rights and pod are made at once."""
    made = [
        platform.get(kind, "postgres-operator")["metadata"]["creationTimestamp"]
        for kind in ("clusterrole", "clusterrolebinding")
    ]
    # Each request is judged by a cache, which comes after on a busy machine. What is missing is asked for again later.
    return (datetime.fromisoformat(max(made)) + timedelta(seconds=10)).strftime("%Y-%m-%dT%H:%M:%S")


def idle_pod(name: str, image: str, user: int, labels: dict[str, str] | None = None) -> dict[str, Any]:
    """Return a pod of the clients' namespace that waits for commands, at Pod Security restricted."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "client", "labels": labels or {}},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsNonRoot": True, "runAsUser": user, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": name,
                    "image": images.reference(image),
                    "command": ["sleep", "infinity"],
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                }
            ],
        },
    }


@pytest.fixture(scope="session")
def platform(toolchain: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The dev stack as `make up NODES=real` leaves it, plus a client's pod; one for each worker."""
    folder = tmp_path_factory.mktemp("real") / "project"
    if missing := real.missing(folder):
        pytest.skip(missing)
    platform = Platform(folder, "real")
    try:
        first = platform.sandbox("up")
        platform.first_up = first.stdout + first.stderr
        platform.apply(CLIENT, idle_pod("client", "toolbox", 65532))
        platform.kubectl("wait", "-n", "client", "pod/client", "--for=condition=Ready", "--timeout=60s")
        yield platform
        assert denied_calls(platform) == []
    finally:
        platform.sandbox("clean", check=False)


@pytest.fixture
def seconds(record_property: Callable[[str, object], None]) -> Callable[[str, float], None]:
    """Notes how long something took; the figures are printed with the summary."""

    def note(what: str, took: float) -> None:
        record_property("seconds", f"{took:6.1f} s  {what}")

    return note
