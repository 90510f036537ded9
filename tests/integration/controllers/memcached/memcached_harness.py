"""A Memcached controller as a real process, with the ServiceAccount and the rights that the stack declares for it."""

import copy
import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import yaml
from lightkube import ApiError, Client, codecs
from lightkube.core.resource import NamespacedResource
from lightkube.models.authentication_v1 import TokenRequestSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Namespace, Pod, ServiceAccountToken
from lightkube.types import PatchType
from website_harness import REPOSITORY, eventually

from controllers.memcached.model import MemcachedResource
from tests.unit.declared import Declared

ACCOUNT = "memcached-controller"
SELECTOR: dict[str, Any] = {"app.kubernetes.io/name": "memcached"}

R = TypeVar("R", bound=NamespacedResource)


def until(holds: Callable[[], bool]) -> None:
    """Wait until ``holds`` returns True."""

    def check() -> None:
        assert holds()

    eventually(check)


class Lab:
    """A namespace of Memcacheds, and the controller that watches it."""

    def __init__(self, api: Client, declared: Declared, kubeconfig: Path, folder: Path) -> None:
        self.api = api
        self.namespace = f"memcached-{secrets.token_hex(4)}"
        self.folder = folder
        self._declared = declared
        self._admin = yaml.safe_load(kubeconfig.read_text())
        self._processes: list[subprocess.Popen[bytes]] = []

    def prepare(self) -> None:
        labels = self._declared.object("Namespace", "memcached").inputs["metadata"]["labels"]
        self.api.create(Namespace(metadata=ObjectMeta(name=self.namespace, labels=labels)))
        self.api.create(codecs.from_dict(self._here(self._declared.object("ServiceAccount", ACCOUNT).inputs)))
        self._allow("memcached")
        spec = TokenRequestSpec(audiences=[], expirationSeconds=3600)
        request = ServiceAccountToken(metadata=ObjectMeta(), spec=spec)
        answer = self.api.create(request, name=ACCOUNT, namespace=self.namespace)
        assert answer.status
        assert answer.status.token
        (self.folder / "token").write_text(answer.status.token)
        # The administrator's kubeconfig with another user under the same name.
        user = self._admin["contexts"][0]["context"]["user"]
        config = {**self._admin, "users": [{"name": user, "user": {"tokenFile": "token"}}]}
        self.kubeconfig.write_text(yaml.safe_dump(config))

    def allow_election(self) -> None:
        """Give the controller the rights of its own namespace, where its Lease is, in this one."""
        controller = self._declared.object("Deployment", ACCOUNT).inputs["metadata"]["namespace"]
        self._allow(controller, f"{ACCOUNT}-election")

    def _allow(self, namespace: str, name: str = ACCOUNT) -> None:
        """Give the controller here the rights that it has in a namespace of the stack."""
        for each in self._declared.objects():
            metadata = each.inputs["metadata"]
            if each.kind in ("Role", "RoleBinding") and (metadata.get("namespace"), metadata["name"]) == (
                namespace,
                ACCOUNT,
            ):
                manifest = self._here(each.inputs)
                manifest["metadata"]["name"] = name
                if each.kind == "RoleBinding":
                    manifest["roleRef"]["name"] = name
                self.api.create(codecs.from_dict(manifest))

    def _here(self, inputs: Any) -> Any:
        """Return a declared object, but for this namespace."""
        manifest = copy.deepcopy(inputs)
        for place in (manifest["metadata"], *manifest.get("subjects", [])):
            place["namespace"] = self.namespace
        return manifest

    @property
    def image(self) -> str:
        """The image that the stack's settings name."""
        container = self._declared.object("Deployment", ACCOUNT).inputs["spec"]["template"]["spec"]["containers"][0]
        return next(each["value"] for each in container["env"] if each["name"] == "MEMCACHED_IMAGE")

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    def write_admin(self, path: Path) -> None:
        """Write the administrator's kubeconfig."""
        path.write_text(yaml.safe_dump(self._admin))

    def start(self, *arguments: str) -> None:
        """Start a controller and wait until it has seen everything; it is told what the stack's Deployment tells it."""
        container = self._declared.object("Deployment", ACCOUNT).inputs["spec"]["template"]["spec"]["containers"][0]
        environment = {each["name"]: each.get("value", "") for each in container["env"]}
        environment |= {
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(self.kubeconfig),
            "WATCH_NAMESPACE": self.namespace,
            "HEALTH_ADDRESS": "127.0.0.1:0",
            "LEADER_ELECTION_NAMESPACE": "",
        }
        started = len(self._processes) + 1
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *container["args"], *arguments],
                cwd=REPOSITORY,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._processes.append(process)

        def ready() -> None:
            assert process.poll() is None, self.log()
            ports = re.findall(r"answering at 127.0.0.1:(\d+)", (self.folder / "log").read_text())
            assert len(ports) >= started
            assert httpx2.get(f"http://127.0.0.1:{ports[-1]}/readyz").status_code == 200

        eventually(ready)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> list[int]:
        """Stop the controllers and return their exit codes."""
        processes, self._processes = self._processes, []
        for process in processes:
            process.send_signal(how)
        codes = [process.wait(20) for process in processes]
        if (self.folder / "log").exists():
            (self.folder / "log").rename(self.folder / f"log-{secrets.token_hex(4)}")
        return codes

    def log(self) -> str:
        return "".join(path.read_text() for path in [*self.folder.glob("log-*"), *self.folder.glob("log")])

    def messages(self) -> list[dict[str, Any]]:
        """Return the log's lines; each must be JSON."""
        return [json.loads(line) for line in self.log().splitlines()]

    def create(self, name: str, **spec: Any) -> Any:
        meta = ObjectMeta(name=name, namespace=self.namespace)
        return self.api.create(MemcachedResource(metadata=meta, spec=spec))

    def resize(self, name: str, size: int) -> None:
        patch = {"spec": {"size": size}}
        self.api.patch(MemcachedResource, name, patch, namespace=self.namespace, patch_type=PatchType.MERGE)

    def get(self, resource: type[R], name: str) -> Any:
        return self.api.get(resource, name, namespace=self.namespace)

    def missing(self, resource: type[R], name: str) -> bool:
        try:
            self.get(resource, name)
        except ApiError as error:
            return error.status.code == 404
        return False

    def status(self, name: str) -> dict[str, Any]:
        return self.get(MemcachedResource, name).status or {}

    def condition(self, name: str, kind: str = "Ready") -> dict[str, Any]:
        """Return a condition of the Memcached; asserts that it speaks of the newest spec."""
        memcached = self.get(MemcachedResource, name)
        found = {c["type"]: c for c in (memcached.status or {}).get("conditions", [])}
        assert kind in found
        assert found[kind]["observedGeneration"] == memcached.metadata.generation
        return found[kind]

    def pods(self) -> list[str]:
        """Return the names of the pods that aren't going, sorted."""
        pods = self.api.list(Pod, namespace=self.namespace, labels=SELECTOR)
        return sorted(p.metadata.name or "" for p in pods if p.metadata and p.metadata.deletionTimestamp is None)

    def wait_size(self, name: str, size: int) -> None:
        """Wait until the status says that so many nodes serve, and names them."""

        def settled() -> None:
            assert self.condition(name, "Progressing")["reason"] == "RolledOut"
            assert self.status(name)["replicas"] == size
            assert len(self.status(name)["nodes"]) == size

        eventually(settled)

    def close(self) -> None:
        self.stop(signal.SIGKILL)
        print(self.log())  # shown when the test fails
        self.api.delete(Namespace, self.namespace)


@contextmanager
def open_lab(api: Client, declared: Declared, kubeconfig: Path, folder: Path) -> Generator[Lab]:
    lab = Lab(api, declared, kubeconfig, folder)
    try:
        lab.prepare()
        yield lab
    finally:
        lab.close()
