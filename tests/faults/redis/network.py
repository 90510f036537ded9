"""Network namespaces on one bridge: hosts that can be cut off, with names that follow their addresses.

Nothing is added to the machine's own network, and all of it goes with its processes. Needs root.
"""

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

# Of RFC 2544, for tests of network devices; only seen inside the namespaces.
PREFIX = "198.18.0"
SWITCH = "switch"


class Namespace:
    """A network namespace, held open by a process of its own."""

    def __init__(self) -> None:
        # It says when it is there: before that its namespace is still the machine's.
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "ip link set lo up; echo; exec sleep infinity"], stdout=subprocess.PIPE
        )
        assert self._holder.stdout
        self._holder.stdout.readline()

    @property
    def pid(self) -> int:
        return self._holder.pid

    def enter(self) -> list[str]:
        """Return the start of a command line that runs in this namespace."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net"]

    def run(self, *command: str) -> None:
        subprocess.run([*self.enter(), *command], check=True, capture_output=True)

    def close(self) -> None:
        self._holder.kill()
        self._holder.wait()
        if self._holder.stdout:
            self._holder.stdout.close()


class Host:
    """One address on the bridge, with a name."""

    def __init__(self, network: "Network", name: str, number: int) -> None:
        self.name = name
        self.address = f"{PREFIX}.{number}"
        self._network = network
        self._port = f"p{number}"
        self._namespace = Namespace()
        peer = ["peer", "name", "eth0", "netns", str(self._namespace.pid)]
        network.switch.run("ip", "link", "add", self._port, "type", "veth", *peer)
        network.switch.run("ip", "link", "set", self._port, "master", SWITCH, "up")
        self._namespace.run("ip", "address", "add", f"{self.address}/24", "dev", "eth0")
        self._namespace.run("ip", "link", "set", "eth0", "up")

    def enter(self) -> list[str]:
        """Return the start of a command line that runs on this host."""
        return self._namespace.enter()

    def start(self, command: Sequence[str], *, environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
        """Start a program on this host, whose /etc/hosts is the network's."""
        inside = 'mount --bind "$1" /etc/hosts; shift; exec "$@"'
        whole = ["unshare", "--mount", "sh", "-c", inside, "sh", str(self._network.names), *command]
        with log.open("ab") as output:
            return subprocess.Popen(
                [*self.enter(), *whole],
                env={"PATH": os.environ["PATH"], **environment},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def cut_off(self) -> None:
        """Lose every packet from and to this host, as with a cable pulled."""
        self._network.switch.run("ip", "link", "set", self._port, "down")

    def join(self) -> None:
        self._network.switch.run("ip", "link", "set", self._port, "up")

    def separate(self, other: "Host") -> None:
        """Lose what goes between two hosts; each still reaches all others."""
        self._namespace.run("ip", "route", "add", "blackhole", f"{other.address}/32")

    def reunite(self, other: "Host") -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self._namespace.run("ip", "route", "delete", "blackhole", f"{other.address}/32")

    def close(self) -> None:
        self._namespace.close()


class Network:
    """The bridge and its hosts."""

    def __init__(self, folder: Path) -> None:
        self.names = folder / "hosts"
        self.names.write_text("127.0.0.1 localhost\n")
        self.switch = Namespace()
        self.switch.run("ip", "link", "add", SWITCH, "type", "bridge")
        self.switch.run("ip", "link", "set", SWITCH, "up")
        self._hosts: dict[str, Host] = {}
        self._numbers = iter(range(2, 250))
        # Pods are deleted by several threads.
        self._lock = threading.Lock()

    def add(self, name: str) -> Host:
        """Make a host; a name that was used before gets a new address."""
        host = Host(self, name, next(self._numbers))
        with self._lock:
            self._hosts[name] = host
            self._publish()
        return host

    def remove(self, name: str) -> None:
        with self._lock:
            self._hosts.pop(name).close()
            self._publish()

    def hosts(self) -> Iterator[Host]:
        yield from self._hosts.values()

    def close(self) -> None:
        for name in list(self._hosts):
            self.remove(name)
        self.switch.close()

    def _publish(self) -> None:
        # In place: a new file would not show in the namespaces that this one is mounted in.
        lines = [f"{host.address} {host.name}" for host in self._hosts.values()]
        self.names.write_text("\n".join(["127.0.0.1 localhost", *lines, ""]))
