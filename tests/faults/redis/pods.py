"""Pods as processes: the stack's own scripts, and real servers and Sentinels."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from components.redis.component import FAILOVER_SCRIPTS as SCRIPTS
from tests.faults.redis.network import Host, Network

ROOT = Path(__file__).parents[3]
NAME = "redis-sfs"
DOMAIN = "redis-sfs.redis.svc.cluster.local"
CONTAINERS = {"redis": "start.sh", "sentinel": "sentinel.sh"}
# The kubelet's first restart comes at once, later ones are delayed; a pod that is made anew takes its time too.
RESTART_SECONDS = 1.0
GRACE_SECONDS = 60.0


def eventually(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait until it is true, and return after how many seconds; raise AssertionError otherwise."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, f"not within {seconds:g} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - start


@dataclass
class Pod:
    """One pod: its volumes outlive it, its address doesn't."""

    network: Network
    folder: Path
    ordinal: int
    environment: dict[str, str]
    host: Host | None = None
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    restarts: int = 0
    _deleting: bool = False

    @property
    def name(self) -> str:
        return f"{NAME}-{self.ordinal}"

    @property
    def fqdn(self) -> str:
        return f"{self.name}.{DOMAIN}"

    def renew_files(self, instances: int) -> None:
        """Give it the ConfigMap's files, with so many instances; the kubelet does that a minute or two later."""
        folder = self.folder / "config"
        folder.mkdir(exist_ok=True)
        for script in SCRIPTS.iterdir():
            if not (folder / script.name).exists():
                (folder / script.name).symlink_to(script)
        (folder / "instances.new").write_text(str(instances))
        (folder / "instances.new").rename(folder / "instances")

    def create(self) -> None:
        self.host = self.network.add(self.fqdn)
        for volume in ("data", "sentinel"):
            (self.folder / volume).mkdir(parents=True, exist_ok=True)
        self._deleting = False
        for container in CONTAINERS:
            self._start(container)

    def _start(self, container: str) -> None:
        assert self.host
        run = self.folder / f"run-{container}"
        run.mkdir(exist_ok=True)
        self.processes[container] = self.host.start(
            ["sh", str(SCRIPTS / CONTAINERS[container])],
            environment=self._environment(container),
            log=self.folder / f"{container}.log",
        )

    def _environment(self, container: str) -> dict[str, str]:
        return {
            **self.environment,
            "POD_NAME": self.name,
            "POD_DOMAIN": DOMAIN,
            "DATA_DIR": str(self.folder / "data"),
            "SENTINEL_DIR": str(self.folder / "sentinel"),
            "RUN_DIR": str(self.folder / f"run-{container}"),
            "CONFIG_DIR": str(self.folder / "config"),
            **({"FAKETIME_TIMESTAMP_FILE": str(self.folder / "clock")} if "LD_PRELOAD" in self.environment else {}),
        }

    def tend(self) -> None:
        """Restart what has ended, as the kubelet does."""
        if self._deleting or self.host is None:
            return
        for container, process in list(self.processes.items()):
            if process.poll() is not None:
                self.restarts += 1
                time.sleep(RESTART_SECONDS)
                if not self._deleting:
                    self._start(container)

    def script(self, name: str, *arguments: str, container: str = "redis") -> int:
        """Run one of the pod's scripts inside it, as probes and hooks run; return its exit code."""
        assert self.host
        process = self.host.start(
            ["sh", str(SCRIPTS / name), *arguments],
            environment=self._environment(container),
            log=self.folder / f"{name}.log",
        )
        return process.wait(GRACE_SECONDS)

    def ready(self) -> bool:
        return self.host is not None and self.script("ready.sh") == 0

    def log(self, name: str) -> str:
        """Return what a container or a script has written."""
        return (self.folder / f"{name}.log").read_text()

    def cli(
        self,
        *command: str,
        user: str = "app",
        port: int = 6379,
        password: str | None = None,
        script: str | None = None,
        encrypted: bool = True,
    ) -> str:
        """Return what the pod's server, or its Sentinel, answers from inside the pod; a script has a command a line."""
        assert self.host
        if password is None:
            password = (Path(self.environment["SECRET_DIR"]) / user).read_text()
        folder = self.environment.get("TLS_DIR") if encrypted else None
        tls = ["--tls", "--cacert", f"{folder}/ca.crt"] if folder else []
        seconds = "60" if script else "3"
        answer = subprocess.run(
            [*self.host.enter(), "timeout", seconds, "redis-cli", "-p", str(port), "--user", user, *tls, *command],
            env={"PATH": os.environ["PATH"], "REDISCLI_AUTH": password},
            input=script,
            capture_output=True,
            text=True,
            check=False,
        )
        return answer.stdout.strip()

    def is_primary(self) -> bool:
        return self.cli("role").startswith("master")

    def priority(self) -> int:
        """Return how Sentinel ranks this server: 0 is never promoted, else the lowest first."""
        return int(self.cli("config", "get", "replica-priority", user="monitor").split()[-1])

    def signal(self, number: signal.Signals, container: str = "redis") -> None:
        """Send a signal to the server itself, not to what the scripts left beside it."""
        self.processes[container].send_signal(number)

    def delete(self, *, grace: bool = True) -> None:
        """Delete the pod: preStop hook, then SIGTERM to all, SIGKILL at last; without grace, SIGKILL at once."""
        self._deleting = True
        if grace:
            # All containers at once, as in Kubernetes.
            hooks = [
                threading.Thread(target=self._stop_container, args=hook)
                for hook in (("redis", "handover.sh"), ("sentinel", "linger.sh"))
            ]
            for hook in hooks:
                hook.start()
            for hook in hooks:
                hook.join()
        self.stop()

    def _stop_container(self, container: str, hook: str) -> None:
        self.script(hook, container=container)
        self.signal(signal.SIGTERM, container)
        with suppress(subprocess.TimeoutExpired):
            self.processes[container].wait(GRACE_SECONDS)

    def stop(self) -> None:
        """End all processes and the pod's address."""
        self._deleting = True
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes.clear()
        if self.host is not None:
            self.network.remove(self.fqdn)
            self.host = None
        for container in CONTAINERS:
            for file in (self.folder / f"run-{container}").glob("*"):
                file.unlink()

    def set_clock(self, offset: str) -> None:
        """Shift this pod's clock, such as by ``+1h``; its programs were started with `fake_clocks`."""
        (self.folder / "clock").write_text(offset)

    def wipe(self) -> None:
        """Empty the data volume of a pod that is gone."""
        assert self.host is None
        subprocess.run(["find", str(self.folder / "data"), "-mindepth", "1", "-delete"], check=True)
