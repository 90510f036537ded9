"""The StatefulSet: pods, their secrets and disks, and a small kubelet."""

import secrets
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

from tests.faults.redis.network import Network
from tests.faults.redis.pods import ROOT, Pod, eventually
from tests.faults.redis.resize import Settings

USERS = ("app", "replication", "sentinel", "monitor")
# Of Debian's package libfaketime; ld.so finds it in the folder of the machine's architecture.
LIBFAKETIME = "faketime/libfaketime.so.1"


def make_secrets(folder: Path) -> None:
    for user in USERS:
        for version in ("", "-next", "-previous"):
            (folder / f"{user}{version}").write_text(secrets.token_hex(16))


def rotate(folder: Path) -> None:
    """Go to the next version of every password, as another `passwordVersion` does."""
    for user in USERS:
        (folder / f"{user}-previous").write_text((folder / user).read_text())
        (folder / user).write_text((folder / f"{user}-next").read_text())
        (folder / f"{user}-next").write_text(secrets.token_hex(16))


class StatefulSet:
    """The pods, and a thread that restarts their containers."""

    def __init__(self, folder: Path, instances: int = 3, *, tls: Path | None = None) -> None:
        self.folder = folder
        self.secret, self.state = folder / "secret", folder / "state"
        for path in (self.secret, self.state):
            path.mkdir(parents=True)
        make_secrets(self.secret)
        self.network = Network(folder)
        self.pods: list[Pod] = []
        self._disks: list[Path] = []
        self.authority = tls / "ca.crt" if tls else None
        self.environment = {
            "MAX_MEMORY": str(64 * 1024**2),
            "EVICTION_POLICY": "noeviction",
            "SECRET_DIR": str(self.secret),
            "STATE_DIR": str(self.state),
            **({"TLS_DIR": str(tls)} if tls else {}),
        }
        self.scale(instances, create=False)
        self._closing = threading.Event()
        self._kubelet = threading.Thread(target=self._tend, daemon=True)

    def scale(self, instances: int, *, create: bool = True) -> None:
        """Change the number of pods; those that stay have the old number in their files until `tell`."""
        removed, self.pods[instances:] = self.pods[instances:], []
        for ordinal in range(len(self.pods), instances):
            folder = self.folder / f"pod-{ordinal}"
            folder.mkdir(exist_ok=True)
            pod = Pod(self.network, folder, ordinal, self.environment)
            pod.renew_files(instances)
            self.pods.append(pod)
            if create:
                pod.create()
        # All at once, as a StatefulSet does it.
        deletions = [threading.Thread(target=pod.delete) for pod in removed]
        for deletion in deletions:
            deletion.start()
        for deletion in deletions:
            deletion.join()

    def tell(self) -> None:
        """Do what our controller and, at last, the kubelet do after `scale`."""
        eventually(self.complete, 60, "all pods are ready")
        settings = Settings([pod.fqdn for pod in self.pods], str(self.secret / "sentinel"), str(self.authority or ""))
        host = self.network.add("controller")
        command = [sys.executable, "-m", "tests.faults.redis.resize", settings.text()]
        log = self.folder / "controller.log"
        try:
            done = host.start(command, environment={"PYTHONPATH": str(ROOT)}, log=log).wait(90)
        finally:
            self.network.remove("controller")
        assert done == 0, log.read_text()
        for pod in self.pods:
            pod.renew_files(len(self.pods))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        for pod in self.pods:
            pod.create()
        self._kubelet.start()

    def mark_lived(self) -> None:
        """Say outside of the volumes that data was there, as the controller does."""
        (self.state / "lived").write_text("true")

    def ready(self) -> bool:
        return all(pod.ready() for pod in self.pods)

    def settled(self) -> bool:
        """Tell whether all are ready, and every Sentinel knows exactly the others and the replicas."""
        if not self.ready() or len(self.primaries()) != 1:
            return False
        known = f"address={self.primary().fqdn}:6379,slaves={len(self.pods) - 1},sentinels={len(self.pods)}"
        return all(known in pod.cli("info", "sentinel", user="monitor", port=26379) for pod in self.pods)

    def roll(self) -> None:
        """Make every pod anew, one at a time and the primary last, as the controller does."""
        for pod in sorted(self.pods, key=Pod.is_primary):
            pod.delete()
            pod.create()
            eventually(self.complete, 40, f"{pod.name} is ready again")

    def complete(self) -> bool:
        """Tell whether all are ready, and the primary says that all replicas have its data."""
        if not self.ready() or len(self.primaries()) != 1:
            return False
        return self.primary().cli("info", "replication", user="monitor").count("state=online") == len(self.pods) - 1

    def primaries(self) -> list[Pod]:
        return [pod for pod in self.pods if pod.host is not None and pod.is_primary()]

    def primary(self) -> Pod:
        (pod,) = self.primaries()
        return pod

    def replica(self) -> Pod:
        return next(pod for pod in self.pods if pod.host is not None and not pod.is_primary())

    def hand_over_to(self, pod: Pod) -> None:
        """Make this pod the primary, by making the primary anew."""
        primary = self.primary()
        if primary is pod:
            return
        # The role goes to the lowest ordinal that replicates from the primary: for a moment that is this one.
        for lower in self.pods[: pod.ordinal]:
            if lower is not primary:
                lower.cli("replicaof", pod.fqdn, "6379", user="sentinel")
        primary.delete()
        primary.create()
        eventually(self.settled, 60, "all are back")
        assert pod.is_primary()

    def limit_disks(self, mebibytes: int) -> None:
        """Give every pod a data volume of this size, in memory; before `start`."""
        for pod in self.pods:
            data = pod.folder / "data"
            data.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(data)], check=True)
            self._disks.append(data)

    def fake_clocks(self) -> None:
        """Let every pod's clock be set apart from the machine's; before `start`."""
        for pod in self.pods:
            pod.set_clock("+0")
            # The time that passes is real, only that of day is not.
            pod.environment = {
                **self.environment,
                "LD_PRELOAD": LIBFAKETIME,
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "FAKETIME_NO_CACHE": "1",
            }

    def close(self) -> None:
        self._closing.set()
        if self._kubelet.is_alive():
            self._kubelet.join()
        for pod in self.pods:
            pod.stop()
        self.network.close()
        for disk in self._disks:
            subprocess.run(["umount", str(disk)], check=True)

    def _tend(self) -> None:
        while not self._closing.wait(0.1):
            for pod in self.pods:
                pod.tend()
