"""The stand-in for git-sync reads from servers: git's own, and one behind HTTP that wants a password."""

import base64
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from syncing import Origin, Starting, eventually, free_port


@pytest.fixture
def daemon(origin: Origin) -> Iterator[str]:
    """git's own server for everything that the origin's folder holds."""
    port, base = free_port(), origin.bare.parents[1]
    command = ["git", "daemon", "--export-all", "--listen=127.0.0.1", f"--port={port}", f"--base-path={base}"]
    with subprocess.Popen([*command, "--verbose"], stderr=subprocess.PIPE, start_new_session=True) as process:
        assert process.stderr is not None
        assert b"Ready to rumble" in process.stderr.readline()
        yield f"git://127.0.0.1:{port}/"
        # What a connection started is in a group with it.
        os.killpg(process.pid, 15)
        process.stderr.read()


class PrivateServer(ThreadingHTTPServer):
    """git over HTTP for one user; `password` may be changed while it runs."""

    def __init__(self, base: Path, password: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.base, self.password = base, password

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    server: PrivateServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        credential = base64.b64encode(f"reader:{self.server.password}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {credential}":
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        variables = {
            "GIT_PROJECT_ROOT": str(self.server.base),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        done = subprocess.run(
            ["git", "http-backend"], input=body, capture_output=True, env={**os.environ, **variables}, check=True
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200").split()[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        pass


@pytest.fixture
def private(origin: Origin) -> Iterator[PrivateServer]:
    with PrivateServer(origin.bare.parents[1], "first-password") as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_repository_on_the_internet_is_read_from_the_sandboxs_own_server(
    origin: Origin, daemon: str, start: Starting, tmp_path: Path
):
    """As in the image, git's system-wide settings say where an address leads."""
    settings = tmp_path / "gitconfig"
    settings.write_text(f'[url "{daemon}"]\n\tinsteadOf = https://github.com/\n')
    sync = start("--repo=https://github.com/team/site.git", "--max-failures=-1", GIT_CONFIG_SYSTEM=str(settings))
    first = origin.commit(index="one")
    assert eventually(lambda: sync.shows(first)), sync.log
    second = origin.commit(index="two")
    assert eventually(lambda: sync.shows(second)), sync.log


def test_any_commit_of_the_server_can_be_named_by_its_hash(origin: Origin, daemon: str, start: Starting):
    commit = origin.commit(index="one")
    origin.commit(index="two")
    sync = start(f"--repo={daemon}team/site.git", f"--ref={commit}", "--one-time")
    assert sync.process.wait(timeout=15) == 0, sync.log
    assert sync.shows(commit)


def test_a_private_repository_is_read_with_the_password_of_a_file(
    origin: Origin, private: PrivateServer, start: Starting, tmp_path: Path
):
    password = tmp_path / "password"
    password.write_text("first-password\n")
    first = origin.commit(index="one")
    sync = start(
        f"--repo={private.url}team/site.git", "--username=reader", f"--password-file={password}", "--max-failures=-1"
    )
    assert eventually(lambda: sync.shows(first)), sync.log

    private.password = "second-password"
    second = origin.commit(index="two")
    assert eventually(lambda: "failed" in sync.log)
    password.write_text("second-password\n")
    assert eventually(lambda: sync.shows(second)), sync.log
    assert sync.stop() == 0
    assert "-password" not in sync.log.replace("--password-file", "")
    assert not any("-password" in path.read_text(errors="replace") for path in sync.root.rglob("*") if path.is_file())


def test_a_password_may_come_from_the_environment(origin: Origin, private: PrivateServer, start: Starting):
    commit = origin.commit(index="one")
    sync = start(
        f"--repo={private.url}team/site.git",
        "--one-time",
        GITSYNC_USERNAME="reader",
        GITSYNC_PASSWORD="first-password",
    )
    assert sync.process.wait(timeout=15) == 0, sync.log
    assert sync.shows(commit)


def test_a_wrong_password_fails_without_a_question(origin: Origin, private: PrivateServer, start: Starting):
    origin.commit(index="one")
    sync = start(f"--repo={private.url}team/site.git", GITSYNC_USERNAME="reader", GITSYNC_PASSWORD="wrong-password")
    assert sync.process.wait(timeout=15) == 1
    assert "Authentication failed" in sync.log
    assert "wrong-password" not in sync.log


class Listener(ThreadingHTTPServer):
    """A server that is told of commits: it refuses the first telling and takes all others."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str | None]] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                listener.told.append((self.command, self.path, self.headers["Gitsync-Hash"]))
                self.send_response(503 if len(listener.told) == 1 else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
                pass

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_webhook_is_told_of_every_commit_until_it_listens(origin: Origin, listener: Listener, start: Starting):
    first = origin.commit(index="one")
    sync = start(f"--repo={origin.url}", f"--webhook-url=http://127.0.0.1:{listener.server_address[1]}/synced/x")
    assert eventually(lambda: len(listener.told) == 2), sync.log
    second = origin.commit(index="two")
    assert eventually(lambda: len(listener.told) == 3), sync.log
    assert listener.told == [("POST", "/synced/x", commit) for commit in (first, first, second)]
    assert "was not told" in sync.log
    # Not with every sync: it knows.
    assert not eventually(lambda: len(listener.told) > 3, seconds=0.5)
