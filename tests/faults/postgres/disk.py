"""A primary whose volume is full.

The sandbox's volumes are folders without a limit. Here one gets a limit by a file system of its own: mounted over the
volume on the node of a replica, which then fills itself from the primary anew and is made primary.
"""

import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager

from sandbox.cluster.real import layout, namespaces
from tests.faults.postgres.lab import NAME, NAMESPACE, ROLES, Lab
from tests.integration.sandbox.kubectl import eventually

# A new database with the log of its changes takes some 100 MB.
_SIZE = "size=320m,mode=777"
_BALLAST = "ballast"
_SETTLED_SECONDS = 240
# Seconds for which it stays full.
FULL_SECONDS = 20.0


def primary_disk_full(lab: Lab) -> None:
    """Have a primary on a small volume, fill that for a while, and make room again."""
    with primary_on_small_volume(lab) as disk:
        disk.fill()
        try:
            time.sleep(FULL_SECONDS)
        finally:
            disk.make_room()


class SmallVolume:
    """A volume with a limit of size, as its node sees it."""

    def __init__(self, lab: Lab, pod: str) -> None:
        self._lab, self.pod = lab, pod
        node = lab.get("pod", pod)["spec"]["nodeName"]
        (self._node,) = (each for each in layout.nodes_of(lab.cluster.folder) if each.name == node)
        volume = lab.get("pvc", f"pgdata-{pod}")["spec"]["volumeName"]
        self._folder = layout.volumes(lab.cluster.folder) / volume

    def mount(self) -> None:
        """Put it over the volume, whose data then go; the pod sees it once it is new."""
        self._on_node("mount", "-t", "tmpfs", "-o", _SIZE, "tmpfs", str(self._folder))
        self._lab.kubectl("delete", "pod", self.pod, "-n", NAMESPACE)
        shutil.rmtree(self._folder / "pgroot")

    def unmount(self) -> None:
        """Take it away; the pod fills the volume below from the primary."""
        self._on_node("umount", "--lazy", str(self._folder))
        self._lab.kubectl("delete", "pod", self.pod, "-n", NAMESPACE)

    def fill(self) -> None:
        """Write until there is no room."""
        script = f'dd if=/dev/zero of="$1/{_BALLAST}" bs=64k; df -k "$1" | tail -n 1'
        said = self._on_node("sh", "-c", script, "sh", str(self._folder)).stdout.split()
        assert said[3] == "0", said

    def make_room(self) -> None:
        self._on_node("rm", "-f", f"{self._folder}/{_BALLAST}")

    def _on_node(self, *command: str) -> subprocess.CompletedProcess[str]:
        first = namespaces.first_process(self._node.folder)
        assert first, f"{self._node.name} is off"
        enter = ["nsenter", f"--target={first.pid}", "--pid", "--mount", "--"]
        return subprocess.run([*enter, *command], capture_output=True, text=True, check=True)


@contextmanager
def primary_on_small_volume(lab: Lab) -> Generator[SmallVolume]:
    """Make a replica on a small volume the primary; afterwards, give it its volume back."""
    disk = SmallVolume(lab, _with_role(lab, ROLES[1]))
    disk.mount()
    try:
        _await(lab)
        # Of the two replicas the other one is the synchronous standby still, until it is away for a moment.
        while (standby := _with_role(lab, ROLES[2])) != disk.pod:
            lab.kubectl("delete", "pod", standby, "-n", NAMESPACE)
            _await(lab)
        lab.patronictl(disk.pod, "switchover", NAME, "--candidate", disk.pod, "--force")
        _await(lab)
        assert lab.primary() == disk.pod
        yield disk
    finally:
        disk.make_room()
        _await(lab)
        disk.unmount()
        _await(lab)


def _with_role(lab: Lab, role: str) -> str:
    """Return the first member with a role of Patroni's."""
    return next(member["Member"] for member in lab.members(lab.primary()) if member["Role"] == role)


def _await(lab: Lab) -> None:
    eventually(lab.settled, "all members stream from one primary", _SETTLED_SECONDS)
