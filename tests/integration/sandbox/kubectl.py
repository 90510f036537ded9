"""kubectl on one cluster, and waiting for what it says."""

import json
import subprocess
import time
from collections.abc import Callable
from typing import Any

from sandbox.cluster import Cluster
from sandbox.toolchain import Toolchain

# A shared machine with two cores is slow at times; by itself nothing here takes more than 10 s.
PATIENCE_SECONDS = 30


class Kubectl:
    """kubectl on one cluster."""

    def __init__(self, cluster: Cluster, toolchain: Toolchain) -> None:
        self._command = [str(toolchain.path("kubectl")), f"--kubeconfig={cluster.kubeconfig}"]

    def __call__(self, *arguments: str, stdin: object = None) -> str:
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout

    def run(self, *arguments: str, stdin: object = None, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run kubectl with an object as JSON on its standard input, or with ``text`` as it is."""
        text = text if stdin is None else json.dumps(stdin)
        return subprocess.run([*self._command, *arguments], input=text, capture_output=True, text=True, check=False)

    def apply(self, *objects: dict[str, Any]) -> None:
        self("apply", "--server-side", "-f", "-", stdin={"apiVersion": "v1", "kind": "List", "items": objects})

    def items(self, kind: str, *arguments: str) -> list[dict[str, Any]]:
        return json.loads(self("get", kind, "-o", "json", *arguments))["items"]


def longhorn_class(name: str = "longhorn", binding: str = "WaitForFirstConsumer", **fields: str) -> dict[str, Any]:
    """Return a StorageClass as the program declares it, whose volumes the sandbox makes."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name},
        "provisioner": "driver.longhorn.io",
        "allowVolumeExpansion": True,
        "volumeBindingMode": binding,
        **fields,
    }


def eventually(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.2)
