"""State on object storage: the engine keeps it, locks it and encrypts it on a real S3-compatible server."""

from __future__ import annotations

import base64
import re
import secrets
import socket
import subprocess
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

import httpx2
import pytest
from workbench import Stack, kubernetes

from sandbox import toolchain as tools
from sandbox.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from workbench import Body, Kubectl

    from sandbox.cluster import Cluster
    from sandbox.toolchain import Toolchain

BUCKET = "example-state"
VERSION = version("pulumi-random")


@pytest.fixture
def storage() -> Iterator[str]:
    """A server on loopback, by its host and port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{listener.getsockname()[1]}"
    program = tools.ensure(["gofakes3"], Progress(quiet=True)).path("gofakes3")
    # Its backend on bolt copies from memory that the database has given back (1.2.0), and now and then dies of it.
    process = subprocess.Popen([program, f"-host={host}", "-quiet", "-backend=memory", f"-initialbucket={BUCKET}"])
    deadline = time.monotonic() + 20
    while not _listens(int(host.rpartition(":")[2])):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield host
    process.terminate()
    process.wait(timeout=10)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def remote(storage: str, tmp_path: Path, toolchain: Toolchain, cluster: Cluster) -> Stack:
    """A stack whose state is on that server."""
    folder = tmp_path / "stack"
    folder.mkdir()
    options = "use_path_style=true&disable_https=true&region=eu-central-1"
    backend = {"PULUMI_BACKEND_URL": f"s3://{BUCKET}?endpoint={storage}&{options}"}
    account = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", **backend}
    local = Stack.make(folder, toolchain.bin, cluster.kubeconfig, cluster.context)
    found = Stack(folder, local.environment | account, local.provider)
    # The encryption of the stack on the local backend is not that of this one.
    (folder / "program" / "Pulumi.test.yaml").unlink()
    found.run("stack", "init", "test")
    return found


def objects(host: str) -> dict[str, bytes]:
    """Return all that the server stores, by key."""
    bucket = f"http://{host}/{BUCKET}"
    keys = re.findall(r"<Key>(.*?)</Key>", httpx2.get(bucket).text)
    return {key: httpx2.get(f"{bucket}/{key}").content for key in keys}


def plan(namespace: str) -> list[Body]:
    """Return a Secret with a random password."""
    source = {"type": "pulumi:providers:random", "name": "source", "properties": {}, "version": VERSION}
    password = {
        "type": "random:index/randomPassword:RandomPassword",
        "name": "password",
        "properties": {"length": 32, "special": False},
        "version": VERSION,
        "refer": {"provider": "source"},
        "outputs": ["result"],
    }
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "login", "namespace": namespace},
        "stringData": {"password": {"$output": ["password", "result"]}},
    }
    return [source, password, kubernetes(body, "login")]


def test_state_on_object_storage_is_kept_locked_and_encrypted(
    remote: Stack, storage: str, kubectl: Kubectl, namespace: str
) -> None:
    remote.up(*plan(namespace))
    assert remote.preview(*plan(namespace), refresh=True).operations == {}

    encoded = kubectl("get", "secret", "login", f"--namespace={namespace}", "--output=json")["data"]["password"]
    stored = objects(storage)
    assert any(b"randomPassword" in content for content in stored.values())
    needles = (encoded.encode(), base64.b64decode(encoded))
    assert not [key for key, content in stored.items() if any(needle in content for needle in needles)]

    # While one update runs, another one is refused.
    program = remote.folder / "program" / "__main__.py"
    mark = remote.folder / f"started-{secrets.token_hex(4)}"
    slow = f"import pathlib, time\npathlib.Path({str(mark)!r}).touch()\ntime.sleep(20)\n"
    whole = program.read_text()
    program.write_text(slow + whole)
    first = remote.start("up", "--yes", "--skip-preview", "--stack=test")
    deadline = time.monotonic() + 60
    while not mark.exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    refused = remote.up(*plan(namespace), fails=True)
    assert re.search(r"the stack is currently locked by 1 lock", refused.output)
    assert first.wait(timeout=120) == 0
    assert first.stdout
    first.stdout.close()

    program.write_text(whole)
    remote.destroy()
    assert kubectl("get", "secrets", f"--namespace={namespace}", "--output=json")["items"] == []
    # Refused while the state holds anything.
    remote.run("stack", "rm", "test", "--yes")
