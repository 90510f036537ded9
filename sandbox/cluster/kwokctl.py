"""Writes kwokctl's configuration and runs it: etcd, API server, controller manager, scheduler and kwok as processes."""

from __future__ import annotations

import os
import random
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sandbox import kubeconfig
from sandbox.errors import SandboxError
from sandbox.toolchain import tools

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.toolchain import Toolchain

NAME = "sandbox"
TOOLS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok", "kwokctl")
COMPONENTS = frozenset({"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok-controller"})
_VOLUMES = Path(__file__).parent / "volumes.yaml"
READY_SECONDS = 60
# kwok's default of a /24 is full at 250 Services; this is kubeadm's default, shortened to a /16.
_SERVICE_RANGE = "10.96.0.0/16"
# Below Linux's range of ephemeral ports (32768 up), so that no client connection takes one before we do.
_PORTS = range(20000, 32000)
_PORT_OPTIONS = ("etcdPort", "etcdPeerPort", "kubeApiserverPort", "kubeControllerManagerPort", "kubeSchedulerPort")
_BINARY_OPTIONS = {
    "etcdBinary": "etcd",
    "kubeApiserverBinary": "kube-apiserver",
    "kubeControllerManagerBinary": "kube-controller-manager",
    "kubeSchedulerBinary": "kube-scheduler",
    "kubectlBinary": "kubectl",
    "kwokControllerBinary": "kwok",
}


def work_folder(folder: Path) -> Path:
    """Return where kwokctl keeps the cluster of `folder`: its keys, data, logs and process ids."""
    return folder / "kwok" / "clusters" / NAME


def belongs_to(folder: Path) -> Callable[[list[str]], bool]:
    """Return what tells from a command line whether the process is part of the control plane in `folder`."""
    programs, configuration = f"{work_folder(folder) / 'bin'}/", str(folder / "kwokctl.yaml")

    def belongs(command: list[str]) -> bool:
        # A kwokctl that outlived an interrupted start would go on to start components.
        starting = command[0].endswith("/kwokctl") and configuration in command
        return starting or command[0].startswith(programs)

    return belongs


def create(folder: Path, toolchain: Toolchain) -> None:
    """Start a control plane on ports of its own and write `folder`/kubeconfig; all files are the user's alone."""
    configuration = folder / "kwokctl.yaml"
    configuration.write_text(_configuration(toolchain))
    command = [toolchain.path("kwokctl"), "create", "cluster", "--name", NAME, "--config", configuration]
    command += ["--kubeconfig", folder / "kwok.kubeconfig", "--wait", f"{READY_SECONDS}s"]
    environment = {**os.environ, "KWOK_WORKDIR": str(folder / "kwok")}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, umask=0o077)
    if run.returncode:
        raise SandboxError(f"The control plane did not start:\n{run.stderr.strip()}\n{_last_words(folder)}")
    written = folder / "kwok.kubeconfig"
    kubeconfig.write(folder / "kubeconfig", kubeconfig.renamed(written.read_text()))
    written.unlink()


def _configuration(toolchain: Toolchain) -> str:
    options: dict[str, Any] = {"runtime": "binary", "bindAddress": "127.0.0.1", "disableQPSLimits": True}
    options["kubeVersion"] = _kubernetes_version()
    options |= {option: str(toolchain.path(tool)) for option, tool in _BINARY_OPTIONS.items()}
    options |= dict(zip((*_PORT_OPTIONS, "kwokControllerPort"), _free_ports(len(_PORT_OPTIONS) + 1), strict=True))
    range_flag = {"key": "service-cluster-ip-range", "value": _SERVICE_RANGE}
    patches = [
        {"name": "kube-apiserver", "extraArgs": [range_flag]},
        # The data lives no longer than the processes, so waiting for the disk buys nothing.
        {"name": "etcd", "extraArgs": [{"key": "unsafe-no-fsync", "value": "true"}]},
        # A second configuration file: stages in kwokctl's own would take the place of those for nodes and pods.
        {"name": "kwok-controller", "extraArgs": [{"key": "config", "value": str(_VOLUMES)}]},
    ]
    return yaml.safe_dump(
        {
            "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
            "kind": "KwokctlConfiguration",
            "options": options,
            "componentsPatches": patches,
        }
    )


def _kubernetes_version() -> str:
    return next(f"v{tool.version}" for tool in tools.TOOLS if tool.name == "kube-apiserver")


def _free_ports(count: int) -> list[int]:
    """Return free ports picked at random, since two sandboxes may be starting at the same moment."""
    free: list[int] = []
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                free.append(port)
        if len(free) == count:
            return free
    raise SandboxError(f"No {count} free ports between {_PORTS.start} and {_PORTS.stop} on 127.0.0.1.")


def _last_words(folder: Path) -> str:
    """Return the last line of every component's log."""
    logs = sorted((work_folder(folder) / "logs").glob("*.log"))
    lines = [(log.name, log.read_text(errors="replace").strip().splitlines()) for log in logs]
    return "\n".join(f"  {name}: {words[-1]}" for name, words in lines if words)
