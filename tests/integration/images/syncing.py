"""A real repository to sync, and git-sync's stand-in as a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from socket import create_server

import pytest

ROOT = Path(__file__).parents[3]


class Origin:
    """A bare repository on disk, and a clone to commit in."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for person in ("AUTHOR", "COMMITTER"):
            monkeypatch.setenv(f"GIT_{person}_NAME", "A Person")
            monkeypatch.setenv(f"GIT_{person}_EMAIL", "person@example.com")
        # Not what this machine's users have set.
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
        monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
        self.bare = folder / "served" / "team" / "site.git"
        self.clone = folder / "clone"
        self.bare.mkdir(parents=True)
        run("git", "init", "--quiet", "--bare", "--initial-branch=main", self.bare, folder=folder)
        run("git", "clone", "--quiet", self.bare, self.clone, folder=folder)
        run("git", "checkout", "--quiet", "-B", "main", folder=self.clone)

    @property
    def url(self) -> str:
        return self.bare.as_uri()

    def commit(self, **files: str) -> str:
        for name, text in files.items():
            (self.clone / name).write_text(text)
        run("git", "add", "--all", folder=self.clone)
        run("git", "commit", "--quiet", "--message=Change", folder=self.clone)
        run("git", "push", "--quiet", "origin", "main", folder=self.clone)
        return run("git", "rev-parse", "HEAD", folder=self.clone)


class Sync:
    """A running stand-in; `root` is the folder that it syncs into."""

    def __init__(self, folder: Path, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
        self.root = folder / "git"
        self.port = free_port()
        self._log = folder / "git-sync.log"
        command = [sys.executable, "-m", "sandbox.images.git_sync", f"--root={self.root}", "--link=current"]
        command += [f"--http-bind=127.0.0.1:{self.port}", "--period=100ms", *arguments]
        with self._log.open("a") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stderr=log, env={**os.environ, "HOME": str(folder), **environment}
            )

    @property
    def link(self) -> Path:
        return self.root / "current"

    @property
    def log(self) -> str:
        return self._log.read_text()

    def shows(self, commit: str) -> bool:
        return self.link.is_symlink() and self.link.readlink().name == commit

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=10)


Starting = Callable[..., Sync]


def start_sync(folder: Path) -> Iterator[Starting]:
    """Give a function that starts the stand-in; whatever it started ends with the test."""
    started: list[Sync] = []

    def starting(*arguments: str, **environment: str) -> Sync:
        started.append(Sync(folder, arguments, environment))
        return started[-1]

    yield starting
    for sync in started:
        sync.stop()


def run(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def free_port() -> int:
    with closing(create_server(("127.0.0.1", 0))) as server:
        return server.getsockname()[1]


def eventually(holds: Callable[[], bool], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.02)
    return False
