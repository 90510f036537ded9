"""Starts and stops the Website controller of a sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psutil
import yaml

from sandbox import kubeconfig, processes
from sandbox.supervisor import ACCOUNT, NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox.folder import Folder
    from sandbox.toolchain import Toolchain

# What the declared Deployment says that holds for a process outside the cluster too.
_VARIABLES = ("WATCH_NAMESPACE", "CLUSTER_DOMAIN", "NGINX_IMAGE", "GIT_SYNC_IMAGE")
_STOP_SECONDS = 10


def log_of(folder: Folder) -> Path:
    """Return the log of the controller and its supervisor."""
    return folder.logs / "website-controller.log"


def start(folder: Folder, toolchain: Toolchain) -> bool:
    """Start the controller with what the declared Deployment says, in place of one that runs already.

    Return False if the stack declares no controller.
    """
    stop(folder)
    variables = _declared(folder, toolchain)
    if variables is None:
        return False
    folder.controller.mkdir(mode=0o700, exist_ok=True)
    credentials = _write_kubeconfig(folder)
    command = [sys.executable, "-m", "controllers.website", "--kubeconfig", str(credentials)]
    # Port 0 is any free one: nothing probes it here, and two sandboxes can't share one.
    command += ["--namespace", variables.pop("WATCH_NAMESPACE", "websites"), "--health-address", "127.0.0.1:0"]
    supervisor = [sys.executable, "-m", "sandbox.supervisor", str(folder.root), str(toolchain.path("kubectl"))]
    with log_of(folder).open("ab") as log:
        # Started by a shell that ends at once: it is nobody's child, and outlives `make up` and its Ctrl-C.
        subprocess.run(
            ["/bin/sh", "-c", '"$@" &', "sh", *supervisor, *command],
            cwd=folder.project,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            check=True,
        )
    return True


def running(folder: Folder) -> bool:
    """Return whether the controller's supervisor lives."""
    return bool(processes.running(_supervises(folder)))


def stop(folder: Folder) -> None:
    """End the supervisor in good order, and what is left of it after a crash; fine to repeat."""
    supervisors = processes.running(_supervises(folder))
    for process in supervisors:
        process.terminate()
    psutil.wait_procs(supervisors, timeout=_STOP_SECONDS)
    processes.end(_supervises(folder))
    credentials = str(folder.controller / "kubeconfig")
    processes.end(lambda command: "controllers.website" in command and credentials in command)


def _supervises(folder: Folder) -> Callable[[list[str]], bool]:
    return lambda command: command[1:4] == ["-m", "sandbox.supervisor", str(folder.root)]


def _declared(folder: Folder, toolchain: Toolchain) -> dict[str, str] | None:
    """Return the variables of the declared controller, or None if the cluster has none."""
    command = [toolchain.path("kubectl"), f"--kubeconfig={folder.kubeconfig}", f"--namespace={NAMESPACE}", "get"]
    run = subprocess.run(
        [*command, "--ignore-not-found", "--output=json", "deployment", ACCOUNT],
        capture_output=True,
        text=True,
        check=True,
    )
    if not run.stdout.strip():
        return None
    deployment: dict[str, Any] = json.loads(run.stdout)
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    return {each["name"]: each["value"] for each in container.get("env", []) if each["name"] in _VARIABLES}


def _write_kubeconfig(folder: Folder) -> Path:
    """Write a kubeconfig that reaches the same cluster by the ServiceAccount's token alone."""
    admin = yaml.safe_load(folder.kubeconfig.read_text())
    admin["users"] = [{"name": ACCOUNT, "user": {"tokenFile": str(folder.controller / "token")}}]
    admin["contexts"][0]["context"]["user"] = ACCOUNT
    target = folder.controller / "kubeconfig"
    kubeconfig.write(target, admin)
    return target
