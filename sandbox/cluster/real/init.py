"""Process 1 of a PID namespace: of the machine that a sandbox plays, or of one of its nodes.

It sets its namespaces up, then keeps its units running as systemd would, and reaps what is orphaned. When it dies the
kernel kills all that it started, and mounts and network go with their namespaces. Its only argument is a JSON file:

- `hidden`: folders that shall be empty, such as /run; `kept` is a folder that stays visible below them.
- `binds`: what to mount where, as {target: source}.
- `setup`: commands to run first; they inherit the file descriptor number `descriptor`.
- `forward`: [host, port] to pass connections on to, if that descriptor is a listening socket; else null.
- `units`: the commands to keep running, by name; each writes to a file of that name in the folder `logs`.

Only the standard library is used: this is started often, and stays in memory.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

_RESTART_SECONDS = 1.0
_CHUNK = 65536


def main(file: str) -> None:
    """Set up, then supervise until killed."""
    specification = json.loads(Path(file).read_text())
    hide(specification["hidden"], specification["kept"])
    for target, source in specification["binds"].items():
        bind(source, target)
    descriptor: int = specification["descriptor"]
    for command in specification["setup"]:
        subprocess.run(command, check=True, pass_fds=(descriptor,), stdin=subprocess.DEVNULL)
    if to := specification["forward"]:
        listener = socket.socket(fileno=descriptor)
        threading.Thread(target=lambda: asyncio.run(forward(listener, *to)), daemon=True).start()
    else:
        os.close(descriptor)
    supervise(specification["units"], Path(specification["logs"]))


def hide(folders: list[str], kept: str) -> None:
    """Cover `folders` by empty ones in memory; `kept` is mounted anew if it lies below one of them."""
    descriptor = os.open(kept, os.O_PATH)
    for folder in folders:
        _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", folder)
    if not Path(kept).exists():
        bind(f"/proc/self/fd/{descriptor}", kept, descriptor)
    os.close(descriptor)


def bind(source: str, target: str, *descriptors: int) -> None:
    """Mount the file or folder `source` on `target` too."""
    if not Path(target).exists():
        Path(target).mkdir(parents=True)
    _mount("--bind", source, target, descriptors=descriptors)


def _mount(*arguments: str, descriptors: tuple[int, ...] = ()) -> None:
    subprocess.run(["mount", *arguments], check=True, pass_fds=descriptors, stdin=subprocess.DEVNULL)


async def forward(listener: socket.socket, host: str, port: int) -> None:
    """Pass every connection that `listener` accepts on; it stays in the network namespace it was opened in."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(host, port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, back), _copy(there, writer))

    server = await asyncio.start_server(serve, sock=listener)
    await server.serve_forever()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end, or until either side breaks off, and say so to the other side."""
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


def supervise(units: dict[str, list[str]], logs: Path) -> None:
    """Run every unit, and again whenever it ends."""
    running = {start(command, logs / f"{name}.log"): name for name, command in units.items()}
    while True:
        pid, status = os.wait()
        if name := running.pop(pid, None):
            print(f"{name} ended ({os.waitstatus_to_exitcode(status)}) and is started again", flush=True)
            time.sleep(_RESTART_SECONDS)
            running[start(units[name], logs / f"{name}.log")] = name


def start(command: list[str], log: Path) -> int:
    """Start `command` and return its process id."""
    output: list[Any] = [
        (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    return os.posix_spawnp(command[0], command, os.environ, file_actions=output, setsid=True)


if __name__ == "__main__":
    main(sys.argv[1])
