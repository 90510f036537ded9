"""The scripts of the plain pair start real Redis servers: one primary, its replica, and honest probes."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from components.redis.component import PAIR_SCRIPTS as SCRIPTS

# What a configuration file would otherwise take for the end, a comment or an escape.
PASSWORD = 'correct "horse" # \\battery \'$staple'


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@dataclass
class Server:
    """One pod's container, run as a process."""

    folder: Path
    port: int
    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    def script(self, name: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["sh", str(SCRIPTS / name)], env=self.environment, capture_output=True, text=True, check=False, timeout=20
        )

    def ask(self, *command: str) -> str:
        environment = {**self.environment, "REDISCLI_AUTH": PASSWORD}
        return subprocess.run(
            ["redis-cli", "-p", str(self.port), *command],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        ).stdout.strip()

    def ready(self) -> bool:
        return self.script("ready.sh").returncode == 0


def eventually(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.1)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    with ExitStack() as stack:

        def start_server(ordinal: int, *, primary_port: int = 1, port: int | None = None) -> Server:
            folder = tmp_path / f"redis-{ordinal}"
            for name in ("data", "run", "secret", "config"):
                (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / "secret" / "password").write_text(PASSWORD)
            # The server listens on every address of a pod; here it must keep to loopback.
            config = (SCRIPTS / "redis.conf").read_text()
            (folder / "config" / "redis.conf").write_text(config + "bind 127.0.0.1\n")
            port = port or free_port()
            environment = {
                "PATH": os.environ["PATH"],
                "POD_NAME": f"redis-sfs-{ordinal}",
                "PRIMARY_HOST": "127.0.0.1",
                "PRIMARY_PORT": str(primary_port),
                "MAX_MEMORY": "10000000",
                "REDIS_PORT": str(port),
                "DATA_DIR": str(folder / "data"),
                "RUN_DIR": str(folder / "run"),
                "SECRET_DIR": str(folder / "secret"),
                "CONFIG_DIR": str(folder / "config"),
            }
            log = stack.enter_context((folder / "log").open("wb"))
            process = subprocess.Popen(["sh", str(SCRIPTS / "start.sh")], env=environment, stdout=log, stderr=log)
            stack.callback(process.wait, 20)
            stack.callback(process.send_signal, signal.SIGKILL)
            return Server(folder, port, environment, process)

        yield start_server


def test_ordinal_0_is_the_primary_and_the_others_replicate_from_it(start: Callable[..., Server]) -> None:
    primary = start(0)
    replica = start(1, primary_port=primary.port)
    eventually(primary.ready)
    eventually(replica.ready)
    assert primary.ask("set", "greeting", "hello") == "OK"
    eventually(lambda: replica.ask("get", "greeting") == "hello")
    assert "READONLY" in replica.ask("set", "greeting", "no")


def test_a_replica_is_not_ready_while_its_primary_is_away_but_it_is_alive(start: Callable[..., Server]) -> None:
    replica = start(1, primary_port=free_port())
    eventually(lambda: replica.script("alive.sh").returncode == 0)
    refusal = replica.script("ready.sh")
    assert refusal.returncode != 0
    assert refusal.stderr == "replica without a link to its primary\n"


def test_acknowledged_writes_survive_a_killed_server(start: Callable[..., Server]) -> None:
    first = start(0)
    eventually(first.ready)
    assert first.ask("set", "kept", "yes") == "OK"
    # The append-only file is synced every second.
    time.sleep(1.5)
    first.process.kill()
    first.process.wait()
    second = start(0, port=free_port())
    eventually(second.ready)
    assert second.ask("get", "kept") == "yes"


def test_the_password_is_needed_and_never_on_the_command_line(start: Callable[..., Server]) -> None:
    server = start(0)
    eventually(server.ready)
    without = subprocess.run(
        ["redis-cli", "-p", str(server.port), "ping"], capture_output=True, text=True, check=False, timeout=20
    )
    assert "NOAUTH" in without.stdout
    command_line = Path(f"/proc/{server.process.pid}/cmdline").read_bytes()
    assert PASSWORD.encode() not in command_line
    assert (server.folder / "run" / "server.conf").stat().st_mode & 0o077 == 0


def test_a_dead_server_is_neither_alive_nor_ready(start: Callable[..., Server]) -> None:
    server = start(0)
    eventually(server.ready)
    server.process.kill()
    server.process.wait()
    assert server.script("alive.sh").returncode != 0
    assert server.script("ready.sh").returncode != 0


def test_the_memory_limit_is_the_one_given(start: Callable[..., Server]) -> None:
    server = start(0)
    eventually(server.ready)
    assert server.ask("config", "get", "maxmemory").splitlines() == ["maxmemory", "10000000"]
