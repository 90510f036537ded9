"""Ctrl-C and kill -9 in the middle of an update, and the way back."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from workbench import Body, Kubectl, Stack, config_map, kubernetes

from sandbox.processes import running

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator


def waiting(namespace: str, **options: str) -> Body:
    """Return a ConfigMap that is ready once someone writes `phase: Running` into it."""
    body = config_map("one", namespace, phase="Starting")
    body["metadata"]["annotations"] = {"pulumi.com/waitFor": "jsonpath={.data.phase}=Running"}
    return kubernetes(body, "waiting", options={"ignore_changes": ["data.phase"], **options})


def plugins(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Return the stand-ins that the engine runs."""
    plugins = running(lambda command: "sandbox.provider.kubernetes" in command)
    return [plugin for plugin in plugins if plugin in psutil.Process(process.pid).children(recursive=True)]


@pytest.fixture
def halfway(stack: Stack, namespace: str, kubectl: Kubectl) -> Iterator[subprocess.Popen[str]]:
    """An update that waits for an object which it has made."""
    stack.declare([waiting(namespace)])
    process = stack.start("up", "--yes", "--skip-preview", "--stack=test")
    kubectl("wait", "--for=create", "configmap/one", "-n", namespace, "--timeout=30s")
    time.sleep(0.5)
    yield process
    if process.poll() is None:
        process.kill()
        process.communicate()


def become_ready(namespace: str, kubectl: Kubectl) -> None:
    """Let the object become ready."""
    kubectl("patch", "configmap", "one", "-n", namespace, '--patch={"data": {"phase": "Running"}}')


def assert_settled(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    """See that state and cluster agree, and that nothing is left in the end."""
    assert stack.preview(waiting(namespace), refresh=True).operations == {}
    stack.destroy()
    assert "configmap/one" not in kubectl("get", "configmap", "-n", namespace, "-o", "name")


def test_ctrl_c_ends_the_wait_at_once_and_the_next_update_goes_on(
    stack: Stack, namespace: str, kubectl: Kubectl, halfway: subprocess.Popen[str]
) -> None:
    interrupted = time.monotonic()
    os.killpg(halfway.pid, signal.SIGINT)  # as the terminal does: to the whole foreground group
    output, _ = halfway.communicate(timeout=30)
    assert halfway.returncode != 0
    assert time.monotonic() - interrupted < 15
    assert "cancelled while waiting for jsonpath={.data.phase}=Running" in output
    kept = stack.state()["waiting"]
    assert kept["id"] == f"{namespace}/one"
    assert kept["initErrors"]
    become_ready(namespace, kubectl)
    stack.up(waiting(namespace))
    assert_settled(stack, namespace, kubectl)


def test_a_killed_engine_takes_the_plugin_along_and_the_object_can_be_taken_over(
    stack: Stack, namespace: str, kubectl: Kubectl, halfway: subprocess.Popen[str]
) -> None:
    running = plugins(halfway)
    assert running
    halfway.kill()
    halfway.communicate()
    gone, alive = psutil.wait_procs(running, timeout=10)
    assert (len(gone), alive) == (len(running), [])
    stack.run("cancel", "--yes", "--stack=test")
    stack.run("refresh", "--yes", "--skip-preview", "--stack=test", "--clear-pending-creates")
    become_ready(namespace, kubectl)
    assert "already exists; to manage it from here, import it" in stack.up(waiting(namespace), fails=True).output
    stack.up(waiting(namespace, import_=f"{namespace}/one"))
    assert_settled(stack, namespace, kubectl)
