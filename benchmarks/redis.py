"""Throughput and latency of Redis with Sentinel and two replicas, beside a bare redis-server: needs root.

``python -m benchmarks.redis``. All servers have the same append-only file and answer
clients on another host of the same bridge, in turns:

- ours: a pod of three, with Sentinels, users and limits, as the stack ships it;
- bare: one redis-server as it comes;
- replicated: the same with two replicas as they come.

They are asked by redis-benchmark, which asks for more than a server can answer, with pipelines and without; and by an
application in Python, whose pipelines ask for less. All of it shares this machine's cores, and a write is also the work
of two replicas. So there are two kinds of ratio:

- `…_to_bare` and `…_to_replicated`: requests a second, with everything on these cores;
- `…_capacity`: CPU time of the bare server's process for a request, divided by that of our primary's. It is the share
  of the bare server's requests that our primary could answer on a core of its own.
"""

import csv
import json
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from tests.faults.redis.measure import ROOT
from tests.faults.redis.network import Host, Network
from tests.faults.redis.pods import eventually
from tests.faults.redis.stateful_set import StatefulSet

_ROUNDS = 5
_REQUESTS, _CLIENTS, _PIPELINE = 100_000, 20, 16
_SIDES = ("ours", "bare", "replicated")
_FIGURES = {"rps": "requests/s", "p50": "ms p50", "p99": "ms p99", "cpu": "µs of CPU/request"}

Figures = dict[str, float]


@dataclass(frozen=True)
class Side:
    """A primary that is measured."""

    host: Host
    process: psutil.Process
    app: str = ""
    """Password of the user `app`, that of `monitor` is beside it; empty where nobody has one."""
    monitor: str = ""

    def cpu(self) -> float:
        """Return the seconds of CPU time that the server has taken, all its threads together."""
        times = self.process.cpu_times()
        return times.user + times.system


class Plain:
    """redis-servers as they come, with an append-only file: the first one is the primary."""

    def __init__(self, network: Network, folder: Path, servers: int) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self.hosts = [network.add(f"{folder.name}-{number}") for number in range(servers)]
        for number, host in enumerate(self.hosts):
            data = folder / str(number)
            data.mkdir(parents=True)
            options = ["--protected-mode", "no", "--appendonly", "yes", "--save", "", "--dir", str(data)]
            options += ["--replicaof", self.hosts[0].address, "6379"] if number else []
            self._processes.append(host.start(["redis-server", *options], environment={}, log=data / "log"))
        eventually(self._ready, 20, "all plain servers are ready")

    @property
    def primary(self) -> Side:
        """Return the first server."""
        return Side(self.hosts[0], psutil.Process(self._processes[0].pid))

    def _ready(self) -> bool:
        info = ask(self.hosts[0], "info", "replication")
        return len(re.findall(r"state=online", info)) == len(self.hosts) - 1 and "role:master" in info

    def close(self) -> None:
        """End the servers."""
        for process in self._processes:
            process.kill()
            process.wait()


def ask(host: Host, *command: str, options: Sequence[str] = (), password: str = "") -> str:
    """Return what the server on a host answers."""
    environment = {"PATH": os.environ["PATH"], **({"REDISCLI_AUTH": password} if password else {})}
    whole = [*host.enter(), "redis-cli", *options, *command]
    return subprocess.run(whole, env=environment, capture_output=True, text=True, check=False).stdout


def caught_up(side: Side) -> bool:
    """Tell whether all replicas have all writes, so that none of them works in another side's turn."""
    options = ["--user", "monitor"] if side.monitor else []
    info = ask(side.host, "info", "replication", options=options, password=side.monitor)
    (written,) = re.findall(r"^master_repl_offset:(\d+)", info, re.MULTILINE)
    return all(received == written for received in re.findall(r"^slave\d+:.*,offset=(\d+),", info, re.MULTILINE))


def pipelined(client: Host, side: Side, test: str) -> Figures:
    """Let redis-benchmark send as many requests at once as an application does."""
    return saturated(client, side, test, _PIPELINE, _REQUESTS)


def single(client: Host, side: Side, test: str) -> Figures:
    """Let redis-benchmark wait for each answer."""
    return saturated(client, side, test, 1, _REQUESTS // 3)


def saturated(client: Host, side: Side, test: str, pipeline: int, requests: int) -> Figures:
    """Return what redis-benchmark measures."""
    command = ["redis-benchmark", "-h", side.host.address, "-t", test, "-d", "64", "-r", "100000", "--csv"]
    command += ["-c", str(_CLIENTS), "-P", str(pipeline), "-n", str(requests)]
    # It has no other way to be told; the password is of this run only.
    command += ["--user", "app", "-a", side.app] if side.app else []
    printed, cpu = run(client, side, command, {}, requests)
    (row,) = csv.DictReader(line for line in printed.splitlines() if line.startswith('"'))
    figures = {"rps": row["rps"], "p50": row["p50_latency_ms"], "p99": row["p99_latency_ms"]}
    return {**{figure: float(value) for figure, value in figures.items()}, "cpu": cpu}


def application(client: Host, side: Side, test: str) -> Figures:
    """Return what one connection of redis-py measures; its latencies are those of whole pipelines."""
    requests = _REQUESTS // 2
    command = [sys.executable, "-m", "benchmarks.redis_application", side.host.address, test]
    environment = {"PYTHONPATH": str(ROOT), "PASSWORD": side.app}
    printed, cpu = run(client, side, [*command, str(requests), str(_PIPELINE)], environment, requests)
    return {**json.loads(printed), "cpu": cpu}


def run(
    client: Host, side: Side, command: Sequence[str], environment: Mapping[str, str], requests: int
) -> tuple[str, float]:
    """Return what a client prints, and the microseconds of the server's CPU for each request."""
    before = side.cpu()
    whole = {"PATH": os.environ["PATH"], **environment}
    done = subprocess.run([*client.enter(), *command], env=whole, capture_output=True, text=True, check=True)
    eventually(lambda: caught_up(side), 60, "its replicas have all writes")
    return done.stdout, (side.cpu() - before) / requests * 1e6


LOADS: dict[str, Callable[[Host, Side, str], Figures]] = {
    "pipelined": pipelined,
    "single": single,
    "application": application,
}


def report(kind: str, test: str, rounds: Sequence[Sequence[Figures]]) -> Iterator[str]:
    """Print the medians of all sides, and yield what ours comes to beside the others."""
    for figure, unit in _FIGURES.items():
        medians = [statistics.median(sides[side][figure] for sides in rounds) for side in range(len(_SIDES))]
        print(f"{kind:>11} {test.upper()} " + " ".join(f"{median:12.2f}" for median in medians) + f"  {unit}")
    for side, name in enumerate(_SIDES[1:], 1):
        ratio = statistics.median(sides[0]["rps"] / sides[side]["rps"] for sides in rounds)
        yield f"{kind}_{test}_to_{name}={ratio:.2f}"
    capacity = statistics.median(sides[1]["cpu"] / sides[0]["cpu"] for sides in rounds)
    yield f"{kind}_{test}_capacity={capacity:.2f}"


def ours(redis: StatefulSet) -> Side:
    """Return the primary of the stack's own pods."""
    primary = redis.primary()
    assert primary.host  # noqa: S101 - it runs
    app, monitor = ((redis.secret / user).read_text() for user in ("app", "monitor"))
    return Side(primary.host, psutil.Process(primary.processes["redis"].pid), app, monitor)


def main() -> None:
    """Print the figures of all sides, then one line of ``key=value``."""
    ratios: list[str] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="redis-benchmark-")))
        redis = stack.enter_context(StatefulSet(folder / "redis"))
        redis.start()
        eventually(redis.settled, 90, "all pods are ready")
        client = redis.network.add("client")
        plain = [
            stack.enter_context(closing(Plain(redis.network, folder / name, n))) for name, n in (("b", 1), ("r", 3))
        ]
        sides = [ours(redis), *(each.primary for each in plain)]
        print(" " * 16 + " ".join(f"{side:>12}" for side in _SIDES))
        for kind, load in LOADS.items():
            for test in ("set", "get"):
                # In turns, so that whatever else the machine does meets all sides.
                rounds = [[load(client, side, test) for side in sides] for _ in range(_ROUNDS)]
                ratios += report(kind, test, rounds)
    print(" ".join(ratios))


if __name__ == "__main__":
    main()
