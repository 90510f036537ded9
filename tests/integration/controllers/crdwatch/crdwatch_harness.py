"""crdwatch as a real process, with the ServiceAccount and the rights that the stack declares for it."""

import copy
import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import yaml
from fault_proxy import FaultProxy
from lightkube import Client, codecs
from lightkube.config.kubeconfig import SingleConfig
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.authentication_v1 import BoundObjectReference, TokenRequestSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition
from lightkube.resources.core_v1 import Namespace, Secret, ServiceAccountToken
from lightkube.types import PatchType
from website_harness import REPOSITORY, eventually

from tests.unit.declared import Declared

Sample = create_namespaced_resource("bookofkubernetes.com", "v1", "Sample", "samples")


def until(holds: Callable[[], bool]) -> None:
    """Wait until ``holds`` returns True."""

    def check() -> None:
        assert holds()

    eventually(check)


class Lab:
    """A namespace of Samples, and the watcher of it behind a proxy."""

    def __init__(self, api: Client, declared: Declared, proxy: FaultProxy, folder: Path) -> None:
        self.api = api
        self.proxy = proxy
        self.namespace = f"samples-{secrets.token_hex(4)}"
        self.folder = folder
        self._declared = declared
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        self.api.create(Namespace(metadata=ObjectMeta(name=self.namespace)))
        for kind, name in (("ServiceAccount", "watcher"), ("ClusterRole", "sample-reader"), ("RoleBinding", "viewer")):
            self.api.apply(codecs.from_dict(self._here(self._declared.object(kind, name).inputs)), force=True)
        self.renew_token()
        config = {
            "current-context": "lab",
            "clusters": [{"name": "lab", "cluster": {"server": self.proxy.url}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "watcher"}}],
            "users": [{"name": "watcher", "user": {"tokenFile": "token"}}],
        }
        self.kubeconfig.write_text(yaml.safe_dump(config))

    def _here(self, inputs: Any) -> Any:
        """Return a declared object, but for this namespace."""
        manifest = copy.deepcopy(inputs)
        for place in (manifest["metadata"], *manifest.get("subjects", [])):
            if "namespace" in place:
                place["namespace"] = self.namespace
        return manifest

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def state_file(self) -> Path:
        return self.folder / "state.db"

    def renew_token(self, *, bound_to: str | None = None) -> None:
        """Write a new token into the watcher's token file; one bound to a Secret dies with the Secret."""
        reference = None
        if bound_to:
            secret = self.api.create(Secret(metadata=ObjectMeta(name=bound_to, namespace=self.namespace)))
            assert secret.metadata
            reference = BoundObjectReference(apiVersion="v1", kind="Secret", name=bound_to, uid=secret.metadata.uid)
        spec = TokenRequestSpec(audiences=[], expirationSeconds=3600, boundObjectRef=reference)
        request = ServiceAccountToken(metadata=ObjectMeta(), spec=spec)
        answer = self.api.create(request, name="watcher", namespace=self.namespace)
        assert answer.status
        assert answer.status.token
        (self.folder / "token").write_text(answer.status.token)

    def start(self, **variables: str) -> None:
        """Start the watcher; what it is told is what the stack's Deployment tells it, and ``variables``."""
        container = self._declared.object("Deployment", "watch").inputs["spec"]["template"]["spec"]["containers"][0]
        environment = {each["name"]: each["value"] for each in container["env"]}
        environment |= {
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(self.kubeconfig),
            "WATCH_NAMESPACE": self.namespace,
            "STATE_FILE": str(self.state_file),
            "HEALTH_ADDRESS": "127.0.0.1:0",
        }
        with (self.folder / "out").open("ab") as out, (self.folder / "err").open("ab") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *container["args"]],
                cwd=REPOSITORY,
                env=environment | variables,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop the watcher and return its exit code."""
        assert self._process
        process, self._process = self._process, None
        process.send_signal(how)
        return process.wait(20)

    def records(self) -> list[dict[str, Any]]:
        """Return all that was logged; each line must be JSON."""
        out = self.folder / "out"
        return [json.loads(line) for line in out.read_text().split("\n") if line] if out.exists() else []

    def told(self) -> list[tuple[str, str, int | None]]:
        """Return type, name and value of each record."""
        return [
            (record["type"], record["object"]["metadata"]["name"], record["object"].get("spec", {}).get("value"))
            if "object" in record
            else (record["type"], "", None)
            for record in self.records()
        ]

    def messages(self) -> str:
        return (self.folder / "err").read_text()

    def ask(self, path: str) -> httpx2.Response:
        """Ask the watcher's own HTTP endpoint, whose port its log tells."""
        port = re.findall(r"answering at 127.0.0.1:(\d+)", self.messages())[-1]
        return httpx2.get(f"http://127.0.0.1:{port}{path}")

    def wait_told(self, *expected: tuple[str, str, int | None]) -> None:
        """Wait until exactly this was logged."""

        def same() -> None:
            assert self.told() == [*expected]

        eventually(same)

    def create(self, name: str, value: int) -> None:
        self.api.create(Sample(metadata=ObjectMeta(name=name, namespace=self.namespace), spec={"value": value}))

    def change(self, name: str, value: int) -> None:
        patch = {"spec": {"value": value}}
        self.api.patch(Sample, name, patch, namespace=self.namespace, patch_type=PatchType.MERGE)

    def delete(self, name: str) -> None:
        self.api.delete(Sample, name, namespace=self.namespace)

    def cut_off(self) -> None:
        """Take the API server away from the watcher, in the middle of its watch."""
        until(lambda: self.proxy.watched)
        self.proxy.away = True
        self.proxy.cut()

    def close(self) -> None:
        if self._process:
            self.stop(signal.SIGKILL)
        for stream in ("out", "err"):
            if (self.folder / stream).exists():
                print((self.folder / stream).read_text())  # shown when the test fails
        self.api.delete(Namespace, self.namespace)


@contextmanager
def administrator(config: SingleConfig, declared: Declared) -> Generator[Client]:
    """Open an administrator's client of an API server, with the CRD served."""
    name = "samples.bookofkubernetes.com"
    with closing(Client(config, field_manager="tests")) as client:
        client.apply(codecs.from_dict(dict(declared.object("CustomResourceDefinition", name).inputs)), force=True)

        def established() -> None:
            status = client.get(CustomResourceDefinition, name).status
            assert status
            assert any(c.type == "Established" and c.status == "True" for c in status.conditions or [])

        eventually(established)
        yield client


@contextmanager
def open_lab(api: Client, declared: Declared, proxy: FaultProxy, folder: Path) -> Generator[Lab]:
    lab = Lab(api, declared, proxy, folder)
    try:
        lab.prepare()
        yield lab
    finally:
        lab.close()
