"""Starts and stops the stack's own controllers as processes, since the sandbox's nodes run no pods."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil
import yaml

from sandbox import kubeconfig, processes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox.folder import Folder
    from sandbox.toolchain import Toolchain

# Labels that the program gives to the Deployments of its own controllers.
_OURS = "app.kubernetes.io/part-of=platform,app.kubernetes.io/component=controller"
# One process leads without an election; a killed leader's successor would have to wait for its Lease.
_LEFT_OUT = frozenset({"LEADER_ELECTION_NAMESPACE"})
# Works on servers in pods, by their names in the cluster, of which there are none here.
_NEEDS_PODS = frozenset({"controllers.redis"})
_STOP_SECONDS = 10


@dataclass(frozen=True, slots=True)
class _Controller:
    """What a declared Deployment says that holds for a process outside the cluster too."""

    name: str
    namespace: str
    account: str
    module: str
    variables: dict[str, str]
    volumes: tuple[str, ...]
    """Paths in the container that it may write to."""

    @classmethod
    def of(cls, deployment: dict[str, Any]) -> _Controller:
        metadata, pod = deployment["metadata"], deployment["spec"]["template"]["spec"]
        container = pod["containers"][0]
        variables = {each["name"]: each["value"] for each in container.get("env", [])}
        return cls(
            name=metadata["name"],
            namespace=metadata["namespace"],
            account=pod["serviceAccountName"],
            module=container["args"][0],
            variables={name: value for name, value in variables.items() if name not in _LEFT_OUT},
            volumes=tuple(mount["mountPath"] for mount in container.get("volumeMounts", [])),
        )

    def environment(self, home: Path) -> dict[str, str]:
        """Return its variables, with `home` in place of its volumes."""
        variables = dict(self.variables)
        for path in self.volumes:
            variables = {name: value.replace(path, str(home)) for name, value in variables.items()}
        # Port 0 is any free one: nothing probes it here, and two sandboxes can't share one.
        return {**variables, "HEALTH_ADDRESS": "127.0.0.1:0"}


def log_of(folder: Folder, name: str) -> Path:
    """Return the log of a controller and its supervisor."""
    return folder.logs / f"{name}.log"


def start(folder: Folder, toolchain: Toolchain) -> list[str]:
    """Start every controller as its Deployment says, in place of those that run already; return their names."""
    stop(folder)
    controllers = _declared(folder, toolchain)
    for controller in controllers:
        _start(controller, folder, toolchain)
    return [controller.name for controller in controllers]


def running(folder: Folder) -> list[str]:
    """Return the names of the controllers whose supervisors live."""
    return sorted(command[4] for command in processes.commands(_supervises(folder)))


def stop(folder: Folder) -> None:
    """End the supervisors in good order, and what is left of them after a crash; fine to repeat."""
    supervisors = processes.running(_supervises(folder))
    for process in supervisors:
        process.terminate()
    psutil.wait_procs(supervisors, timeout=_STOP_SECONDS)
    processes.end(_supervises(folder))
    credentials = f"{folder.controllers}/"
    processes.end(
        lambda command: (
            any(each.startswith("controllers.") for each in command[2:3])
            and any(each.startswith(credentials) for each in command)
        )
    )


def _start(controller: _Controller, folder: Folder, toolchain: Toolchain) -> None:
    home = folder.controllers / controller.name
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    supervisor = [sys.executable, "-m", "sandbox.supervisor", str(folder.root), controller.name]
    supervisor += [f"{controller.namespace}/{controller.account}", str(toolchain.path("kubectl"))]
    command = [sys.executable, "-m", controller.module, "--kubeconfig", str(_write_kubeconfig(folder, home))]
    with log_of(folder, controller.name).open("ab") as log:
        # Started by a shell that ends at once: it is nobody's child, and outlives `make up` and its Ctrl-C.
        subprocess.run(
            ["/bin/sh", "-c", '"$@" &', "sh", *supervisor, *command],
            cwd=folder.project,
            env={**os.environ, **controller.environment(home)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            check=True,
        )


def _supervises(folder: Folder) -> Callable[[list[str]], bool]:
    return lambda command: command[1:4] == ["-m", "sandbox.supervisor", str(folder.root)]


def _declared(folder: Folder, toolchain: Toolchain) -> list[_Controller]:
    """Return the controllers that the stack declares on the cluster, by name."""
    command = [toolchain.path("kubectl"), f"--kubeconfig={folder.kubeconfig}", "get", "deployments"]
    run = subprocess.run(
        [*command, "--all-namespaces", f"--selector={_OURS}", "--output=json"],
        capture_output=True,
        text=True,
        check=True,
    )
    controllers = map(_Controller.of, json.loads(run.stdout)["items"])
    return sorted(
        (controller for controller in controllers if controller.module not in _NEEDS_PODS),
        key=lambda controller: controller.name,
    )


def _write_kubeconfig(folder: Folder, home: Path) -> Path:
    """Write a kubeconfig that reaches the same cluster by the ServiceAccount's token alone."""
    admin = yaml.safe_load(folder.kubeconfig.read_text())
    admin["users"] = [{"name": "controller", "user": {"tokenFile": str(home / "token")}}]
    admin["contexts"][0]["context"]["user"] = "controller"
    target = home / "kubeconfig"
    kubeconfig.write(target, admin)
    return target
