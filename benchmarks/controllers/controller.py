"""The controller's process: started, watched, measured."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.faults.controllers.api import write_kubeconfig
from tests.faults.controllers.subjects import PROJECT, WEBSITE

if TYPE_CHECKING:
    from benchmarks.controllers.stage import Stage

_LONGEST = 900.0


class Controller:
    """One process, from its start on."""

    def __init__(self, stage: Stage, workers: int) -> None:
        self._address = f"127.0.0.1:{_free_port()}"
        self.started = time.monotonic()
        kubeconfig = stage.folder / "kubeconfig"
        write_kubeconfig(kubeconfig, stage.cluster.server, stage.cluster.authority, stage.folder / "controller")
        environment = {
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(kubeconfig),
            "WATCH_NAMESPACE": ",".join(stage.namespaces),
            "HEALTH_ADDRESS": self._address,
            "WORKERS": str(workers),
            "LOG_LEVEL": "WARNING",
            **WEBSITE.environment,
        }
        self._log = stage.folder / "controller.log"
        with self._log.open("ab") as log:
            self._process = psutil.Popen(
                [sys.executable, "-m", WEBSITE.module],
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_until_caught_up(self, websites: int) -> float:
        """Wait until it has looked at so many Websites and no key waits; return the seconds since its start."""
        while True:
            if self._process.poll() is not None or time.monotonic() - self.started > _LONGEST:
                raise SystemExit(f"The controller doesn't catch up:\n{self._log.read_text()[-2000:]}")
            if self._ready() and self._metric("controller_queue_depth") == 0:
                looked = self._metric("controller_reconcile_seconds_count")
                if looked >= websites:
                    return time.monotonic() - self.started
            time.sleep(0.2)

    @property
    def peak_megabytes(self) -> float:
        """The most memory it ever held."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
        return int(kilobytes) / 1024

    @property
    def cpu_seconds(self) -> float:
        """The processor time that it has used."""
        times = self._process.cpu_times()
        return times.user + times.system

    def stop(self) -> None:
        """End it in good order; fine when it has ended."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(30)

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self._address}/readyz") as answer:
                return answer.status == 200  # noqa: PLR2004  OK
        except (urllib.error.URLError, ConnectionError):
            return False

    def _metric(self, name: str) -> float:
        with urllib.request.urlopen(f"http://{self._address}/metrics") as answer:
            (value,) = re.findall(rf"^{name} (\S+)$", answer.read().decode(), re.MULTILINE)
        return float(value)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
