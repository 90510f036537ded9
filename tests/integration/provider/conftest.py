"""Fixtures for tests that drive the engine against the sandbox's API server."""

from __future__ import annotations

import json
import secrets
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from plugin import Plugin
from workbench import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workbench import Body, Kubectl

    from sandbox.cluster import Cluster
    from sandbox.toolchain import Toolchain


@pytest.fixture(scope="session")
def kubectl(cluster: Cluster, toolchain: Toolchain) -> Kubectl:
    """Another client: runs kubectl and returns its answer, read as JSON where it is JSON."""

    def run(*arguments: str, body: object = None) -> Any:
        command = [str(toolchain.path("kubectl")), f"--kubeconfig={cluster.kubeconfig}", *arguments]
        command += ["-f", "-"] if body is not None else []
        sent = json.dumps(body) if body is not None else None
        answer = subprocess.run(command, input=sent, capture_output=True, text=True, check=False, timeout=60)
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout) if answer.stdout.startswith("{") else answer.stdout

    return run


@pytest.fixture
def namespace(kubectl: Kubectl) -> str:
    """A namespace of the test's own, which goes with the cluster."""
    name = f"provider-{secrets.token_hex(4)}"
    kubectl("create", "namespace", name)
    kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={name}")
    return name


@pytest.fixture
def stack(tmp_path: Path, toolchain: Toolchain, cluster: Cluster) -> Stack:
    """An empty stack."""
    return Stack.make(tmp_path, toolchain.bin, cluster.kubeconfig, cluster.context)


@pytest.fixture(scope="session")
def settings(cluster: Cluster) -> Body:
    """The configuration of a Kubernetes provider that points to the cluster."""
    return {"kubeconfig": str(cluster.kubeconfig), "context": cluster.context}


@pytest.fixture(scope="module")
def plugin(settings: Body) -> Iterator[Plugin]:
    """The Kubernetes stand-in, without an engine."""
    with Plugin("kubernetes", settings) as running:
        yield running


@pytest.fixture(scope="module")
def lenient(settings: Body) -> Iterator[Plugin]:
    """The same, with ConfigMaps declared mutable."""
    with Plugin("kubernetes", {**settings, "enableConfigMapMutable": "true"}) as running:
        yield running
