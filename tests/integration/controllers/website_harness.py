"""A Website controller as a real process, with the ServiceAccount and the rights that it has in production."""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import yaml
from lightkube import ApiError, Client
from lightkube.core.resource import NamespacedResource
from lightkube.models.authentication_v1 import BoundObjectReference, TokenRequestSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.models.rbac_v1 import PolicyRule, RoleRef, Subject
from lightkube.resources.core_v1 import Namespace, Secret, ServiceAccount, ServiceAccountToken
from lightkube.resources.rbac_authorization_v1 import Role, RoleBinding
from lightkube.types import PatchType
from prometheus_client.parser import text_string_to_metric_families

from controllers.runtime.rules import ELECTION_RULES
from controllers.website.model import WebsiteResource
from controllers.website.rbac import NAMESPACE_RULES

REPOSITORY = Path(__file__).parents[3]
GIT_REPO = "https://git.example.com/site.git"
ACCOUNT = "website-controller"
TIMEOUT = 40.0

T = TypeVar("T")
R = TypeVar("R", bound=NamespacedResource)


def eventually(check: Callable[[], T], timeout: float = TIMEOUT) -> T:
    """Repeat ``check`` until it neither asserts nor asks for an object that isn't there, and return its result."""
    end = time.monotonic() + timeout
    while True:
        try:
            return check()
        except (AssertionError, ApiError) as error:
            missing = isinstance(error, AssertionError) or error.status.code == 404
            if not missing or time.monotonic() > end:
                raise
        time.sleep(0.1)


@dataclass
class Running:
    """One controller's process and where it answers."""

    process: subprocess.Popen[bytes]
    url: str

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples that have these labels."""
        families = text_string_to_metric_families(httpx2.get(f"{self.url}/metrics").text)
        samples = [sample for family in families for sample in family.samples]
        found = [s.value for s in samples if s.name == name and labels.items() <= s.labels.items()]
        return sum(found)

    def writes(self) -> dict[str, int]:
        """Return how often each resource was written to, whatever the answer was; Leases and Events aside."""
        families = text_string_to_metric_families(httpx2.get(f"{self.url}/metrics").text)
        counts: Counter[str] = Counter()
        for sample in (sample for family in families for sample in family.samples):
            writes = sample.labels.get("verb") in {"create", "update", "patch", "delete"}
            if writes and sample.name == "controller_api_calls_total":
                counts[sample.labels["resource"]] += int(sample.value)
        return {resource: count for resource, count in counts.items() if resource not in {"leases", "events"}}


class Lab:
    """A namespace of Websites, and the controller that watches it."""

    def __init__(self, api: Client, kubeconfig: Path, folder: Path) -> None:
        self.api = api
        self.namespace = f"websites-{secrets.token_hex(4)}"
        self.folder = folder / self.namespace
        self.folder.mkdir()
        self._admin = yaml.safe_load(kubeconfig.read_text())
        self._processes: list[Running] = []

    def prepare(self) -> None:
        self.api.create(Namespace(metadata=ObjectMeta(name=self.namespace)))
        own = ObjectMeta(name=ACCOUNT, namespace=self.namespace)
        # The Lease is in the namespace of the Websites here, elsewhere in that of the controller.
        rules = [
            PolicyRule(apiGroups=list(r.api_groups), resources=list(r.resources), verbs=list(r.verbs))
            for r in (*NAMESPACE_RULES, *ELECTION_RULES)
        ]
        subject = Subject(kind="ServiceAccount", name=ACCOUNT, namespace=self.namespace)
        role = RoleRef(apiGroup="rbac.authorization.k8s.io", kind="Role", name=ACCOUNT)
        self.api.create(ServiceAccount(metadata=own))
        self.api.create(Role(metadata=own, rules=rules))
        self.api.create(RoleBinding(metadata=own, roleRef=role, subjects=[subject]))
        self.renew_token()
        # The administrator's kubeconfig with another user under the same name.
        user = self._admin["contexts"][0]["context"]["user"]
        config = {**self._admin, "users": [{"name": user, "user": {"tokenFile": "token"}}]}
        self.kubeconfig.write_text(yaml.safe_dump(config))

    @property
    def token_file(self) -> Path:
        return self.folder / "token"

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    def renew_token(self, *, bound_to: str | None = None) -> None:
        """Write a new token into the controller's token file; one bound to a Secret dies with the Secret."""
        reference = None
        if bound_to:
            meta = ObjectMeta(name=bound_to, namespace=self.namespace)
            secret = self.api.create(Secret(metadata=meta))
            reference = BoundObjectReference(
                apiVersion="v1", kind="Secret", name=bound_to, uid=secret.metadata and secret.metadata.uid
            )
        spec = TokenRequestSpec(audiences=[], expirationSeconds=3600, boundObjectRef=reference)
        answer = self.api.create(
            ServiceAccountToken(metadata=ObjectMeta(), spec=spec), name=ACCOUNT, namespace=self.namespace
        )
        assert answer.status
        assert answer.status.token
        self.token_file.write_text(answer.status.token)

    def start(self, *arguments: str) -> Running:
        """Start a controller and wait until it is ready."""
        address = f"127.0.0.1:{_free_port()}"
        command = [sys.executable, "-m", "controllers.website", *arguments]
        environment = {
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(self.kubeconfig),
            "WATCH_NAMESPACE": self.namespace,
            "HEALTH_ADDRESS": address,
            "NGINX_IMAGE": "registry.example.com/nginx-unprivileged:1",
            "GIT_SYNC_IMAGE": "registry.example.com/git-sync:v4",
        }
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=REPOSITORY, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        running = Running(process, f"http://{address}")
        self._processes.append(running)

        def ready() -> None:
            assert process.poll() is None, self.log()
            try:
                answer = httpx2.get(f"http://{address}/readyz")
            except httpx2.TransportError as error:
                raise AssertionError(f"not ready yet: {error}") from error
            assert answer.status_code == 200

        eventually(ready)
        return running

    def stop(self, how: signal.Signals = signal.SIGTERM) -> list[int]:
        """Stop the controllers and return their exit codes."""
        processes, self._processes = self._processes, []
        for running in processes:
            running.process.send_signal(how)
        return [running.process.wait(20) for running in processes]

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def messages(self) -> list[dict[str, Any]]:
        """Return the log's lines; each must be JSON."""
        return [json.loads(line) for line in self.log().splitlines()]

    def create(self, name: str, **spec: Any) -> Any:
        meta = ObjectMeta(name=name, namespace=self.namespace)
        website = WebsiteResource(metadata=meta, spec={"gitRepo": GIT_REPO, **spec})
        return self.api.create(website)

    def patch(self, name: str, resource: Any = WebsiteResource, **spec: Any) -> None:
        """Change fields of the Website's spec, or of its scale's; ``None`` takes a field away."""
        change = {"spec": spec}
        self.api.patch(resource, name, change, namespace=self.namespace, patch_type=PatchType.MERGE)

    def get(self, resource: type[R], name: str) -> R:
        return self.api.get(resource, name, namespace=self.namespace)

    def missing(self, resource: type[R], name: str) -> bool:
        try:
            self.get(resource, name)
        except ApiError as error:
            return error.status.code == 404
        return False

    def condition(self, name: str, kind: str = "Ready") -> dict[str, Any]:
        """Return a condition of the Website; asserts that it speaks of the newest spec."""
        website: Any = self.get(WebsiteResource, name)
        found = {c["type"]: c for c in (website.status or {}).get("conditions", [])}
        assert kind in found
        assert found[kind]["observedGeneration"] == website.metadata.generation
        return found[kind]

    def wait_ready(self, name: str) -> None:
        def ready() -> None:
            assert self.condition(name)["status"] == "True"
            assert self.condition(name, "Progressing")["reason"] == "RolledOut"

        eventually(ready)

    def close(self) -> None:
        self.stop(signal.SIGKILL)
        if (self.folder / "log").exists():
            print(self.log())  # shown when the test fails
        self.api.delete(Namespace, self.namespace)


@contextmanager
def open_lab(api: Client, kubeconfig: Path, folder: Path) -> Generator[Lab]:
    lab = Lab(api, kubeconfig, folder)
    try:
        lab.prepare()
        yield lab
    finally:
        lab.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
