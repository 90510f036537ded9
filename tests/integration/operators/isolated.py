"""Runs a program where it can reach one API server and nothing else: a network namespace that has loopback alone."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

_PROGRAM = Path(__file__).with_name("inside.py")
_CHUNK = 1 << 16
_STOP_SECONDS = 20


def missing() -> str:
    """Say why no such namespace can be made here; empty where it can."""
    if not shutil.which("unshare") or not shutil.which("ip"):
        return "needs the programs unshare (util-linux) and ip (iproute2)"
    tried = subprocess.run([*_unshare(), "true"], capture_output=True, text=True, check=False)
    return f"can't make a network namespace: {tried.stderr.strip()}" if tried.returncode else ""


@contextmanager
def running(
    command: Sequence[str | Path], environment: Mapping[str, str], port: int, log: Path
) -> Generator[subprocess.Popen[bytes]]:
    """Run the command with `port` of its own loopback leading to the same port of ours; end it afterwards."""
    ours, theirs = socket.socketpair()
    arguments = [*_unshare(), sys.executable, "-I", _PROGRAM, str(theirs.fileno()), str(port), *command]
    with ours, log.open("wb") as output:
        process = subprocess.Popen(
            arguments, env={**os.environ, **environment}, stdout=output, stderr=output, pass_fds=(theirs.fileno(),)
        )
        theirs.close()
        try:
            _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
            assert descriptors, f"the namespace wasn't made:\n{log.read_text()}"
            listener = socket.socket(fileno=descriptors[0])
            threading.Thread(target=_forward, args=(listener, port), daemon=True).start()
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _unshare() -> list[str]:
    return ["unshare", "--net", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"])]


def _forward(listener: socket.socket, port: int) -> None:
    """Join every connection that arrives inside to one of our own; ends when nobody can connect any more."""
    with listener:
        while True:
            try:
                inner, _ = listener.accept()
            except OSError:
                return
            try:
                outer = socket.create_connection(("127.0.0.1", port))
            except OSError:
                inner.close()
                continue
            for source, target in ((inner, outer), (outer, inner)):
                threading.Thread(target=_copy, args=(source, target), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(_CHUNK):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        end.close()
