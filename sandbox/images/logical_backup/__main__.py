"""Dumps all databases of a cluster into the bucket, and deletes what is older than it shall be."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from sandbox.images.logical_backup import servers
from sandbox.images.logical_backup.contract import parse
from sandbox.images.logical_backup.storage import Storage
from sandbox.images.postgres.contract import ContractError

FOLDER = Path("/tmp/backup")  # noqa: S108 - of this container alone
_PRIVATE = 0o700


def main() -> None:
    """Take one backup, or end with code 1."""
    try:
        contract = parse(os.environ)
        server = servers.address(contract)
    except (ContractError, LookupError) as error:
        sys.exit(f"logical backup: {error}")
    os.umask(0o077)
    FOLDER.mkdir(mode=_PRIVATE, exist_ok=True)
    storage = Storage(contract, FOLDER / "s3cmd.conf")
    # Written whole before anything is stored: a dump that breaks off shall not look like a backup.
    backup = FOLDER / f"{int(time.time())}.sql.gz"
    dump(server, backup)
    print(f"stored {storage.put(backup)}, dumped from {server}")
    for name in storage.forget():
        print(f"deleted {name}")


def dump(server: str, target: Path) -> None:
    """Write what pg_dumpall says of a server into a file, compressed."""
    # libpq takes login and port from the environment.
    command = ["pg_dumpall", f"--host={server}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running, gzip.open(target, "wb") as file:
        assert running.stdout  # noqa: S101 - it is a pipe
        shutil.copyfileobj(running.stdout, file)
    if running.returncode:
        raise subprocess.CalledProcessError(running.returncode, command)


if __name__ == "__main__":
    main()
