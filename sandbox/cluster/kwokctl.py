"""Writes kwokctl's configuration and runs it: etcd, API server, controller manager and scheduler as processes.

kwok, which plays the nodes, is one of them unless the nodes are real.
"""

from __future__ import annotations

import os
import random
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sandbox import kubeconfig
from sandbox.errors import SandboxError
from sandbox.toolchain import tools

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sandbox.toolchain import Toolchain

NAME = "sandbox"
TOOLS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok", "kwokctl")
CONTROL_PLANE = frozenset({"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"})
COMPONENTS = CONTROL_PLANE | {"kwok-controller"}
_VOLUMES = Path(__file__).parent / "volumes.yaml"
_AUDIT_POLICY = Path(__file__).parent / "audit-policy.yaml"
READY_SECONDS = 60
# kwok's default of a /24 is full at 250 Services; this is kubeadm's default, shortened to a /16.
SERVICE_RANGE = "10.96.0.0/16"
# Below Linux's range of ephemeral ports (32768 up), so that no client connection takes one before we do.
_PORTS = range(20000, 32000)
_PORT_OPTIONS = ("etcdPort", "etcdPeerPort", "kubeApiserverPort", "kubeControllerManagerPort", "kubeSchedulerPort")
# Of Go, for a process that starts often and lives shortly: a quarter of the API server's start was garbage collection.
_LAZY_COLLECTOR = {"GOGC": "400", "GOMEMLIMIT": "700MiB"}
_BINARY_OPTIONS = {
    "etcdBinary": "etcd",
    "kubeApiserverBinary": "kube-apiserver",
    "kubeControllerManagerBinary": "kube-controller-manager",
    "kubeSchedulerBinary": "kube-scheduler",
    "kubectlBinary": "kubectl",
    "kwokControllerBinary": "kwok",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What of a control plane depends on its nodes.

    `options` are kwokctl's, `flags` are added by component, and `enter` is put before every command: it leads into
    the namespaces that the processes shall be in.
    """

    options: dict[str, Any]
    flags: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    enter: tuple[str, ...] = ()


def with_kwok() -> Plan:
    """Return the plan of a control plane whose nodes kwok plays, on ports of its own."""
    ports = _free_ports(len(_PORT_OPTIONS) + 1)
    return Plan(
        options=dict(zip((*_PORT_OPTIONS, "kwokControllerPort"), ports, strict=True)),
        # A second configuration file: stages in kwokctl's own would take the place of those for nodes and pods.
        flags={"kwok-controller": {"config": str(_VOLUMES)}},
    )


def work_folder(folder: Path) -> Path:
    """Return where kwokctl keeps the cluster of `folder`: its keys, data, logs and process ids."""
    return folder / "kwok" / "clusters" / NAME


def belongs_to(folder: Path) -> Callable[[list[str]], bool]:
    """Return what tells from a command line whether the process is part of the control plane in `folder`."""
    programs, configuration = f"{work_folder(folder) / 'bin'}/", str(folder / "kwokctl.yaml")

    def belongs(command: list[str]) -> bool:
        # A kwokctl that outlived an interrupted start would go on to start components.
        starting = configuration in command and any(word.endswith("/kwokctl") for word in command)
        return starting or command[0].startswith(programs)

    return belongs


def audit_log(folder: Path) -> Path:
    """Return the API server's audit log: one JSON object a line for every request by a ServiceAccount."""
    return folder / "audit.log"


def create(folder: Path, toolchain: Toolchain, plan: Plan) -> None:
    """Start a control plane and write `folder`/kubeconfig; all files are the user's alone."""
    configuration = folder / "kwokctl.yaml"
    configuration.write_text(_configuration(folder, toolchain, plan))
    command = ["create", "cluster", "--config", str(configuration), "--kubeconfig", str(folder / "kwok.kubeconfig")]
    run = _kwokctl(folder, toolchain.path("kwokctl"), plan.enter, *command)
    if run.returncode:
        raise SandboxError(f"The control plane did not start:\n{run.stderr.strip()}\n{_last_words(folder)}")
    written = folder / "kwok.kubeconfig"
    kubeconfig.write(folder / "kubeconfig", kubeconfig.renamed(written.read_text()))
    written.unlink()


def revive(folder: Path, kwokctl: Path, enter: tuple[str, ...], component: str) -> None:
    """Start a component that was killed, as it was started first."""
    # The id may have passed on to another process, which kwokctl would take for the component.
    (work_folder(folder) / "pids" / f"{component}.pid").unlink(missing_ok=True)
    run = _kwokctl(folder, kwokctl, enter, "start", "cluster")
    if run.returncode:
        raise SandboxError(f"{component} did not start again:\n{run.stderr.strip()}\n{_last_words(folder)}")


def _kwokctl(folder: Path, kwokctl: Path, enter: tuple[str, ...], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*enter, str(kwokctl), *arguments, "--name", NAME, "--wait", f"{READY_SECONDS}s"]
    environment = {**os.environ, "KWOK_WORKDIR": str(folder / "kwok")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, umask=0o077)


def _configuration(folder: Path, toolchain: Toolchain, plan: Plan) -> str:
    options: dict[str, Any] = {"runtime": "binary", "bindAddress": "127.0.0.1", "disableQPSLimits": True}
    options["kubeVersion"] = _kubernetes_version()
    options |= {option: str(toolchain.path(tool)) for option, tool in _BINARY_OPTIONS.items()}
    audit = {"audit-policy-file": str(_AUDIT_POLICY), "audit-log-path": str(audit_log(folder))}
    patches = [
        _patch("kube-apiserver", {"service-cluster-ip-range": SERVICE_RANGE, **audit}, _LAZY_COLLECTOR),
        # The data lives no longer than the processes, so waiting for the disk buys nothing.
        _patch("etcd", {"unsafe-no-fsync": "true"}),
        # There is one of each. One that loses an election, as while the API server is down, ends itself.
        *(_patch(component, {"leader-elect": "false"}) for component in ("kube-controller-manager", "kube-scheduler")),
        *(_patch(component, flags) for component, flags in plan.flags.items()),
    ]
    return yaml.safe_dump(
        {
            "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
            "kind": "KwokctlConfiguration",
            "options": options | plan.options,
            "componentsPatches": patches,
        }
    )


def _patch(component: str, flags: dict[str, str], environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {
        "name": component,
        "extraArgs": [{"key": key, "value": value} for key, value in flags.items()],
        "extraEnvs": [{"name": name, "value": value} for name, value in (environment or {}).items()],
    }


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
