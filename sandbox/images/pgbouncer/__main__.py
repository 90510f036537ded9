"""Writes PgBouncer's configuration and becomes PgBouncer."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn

from sandbox.images.pgbouncer.configuration import configuration, users
from sandbox.images.pgbouncer.contract import ContractError, parse
from sandbox.images.tls.certificates import follow, self_signed

FOLDER = Path("/tmp/pgbouncer")  # noqa: S108 - of this container alone
_PRIVATE = 0o700


def main() -> NoReturn:
    """Become PgBouncer, or end with code 1."""
    try:
        contract = parse(os.environ)
    except ContractError as error:
        sys.exit(f"pgbouncer: this image can't do what is asked of it:\n{error}")
    os.umask(0o077)
    FOLDER.mkdir(mode=_PRIVATE, exist_ok=True)
    file, logins = FOLDER / "pgbouncer.ini", FOLDER / "users.txt"
    logins.write_text(users(contract))
    certificate = contract.certificate_files or self_signed(FOLDER, socket.gethostname())
    file.write_text(configuration(contract, logins, certificate))
    if contract.certificate_files:
        own = os.getpid()
        follow([*contract.certificate_files, *filter(None, [contract.authority_file])], lambda: _reload(own))
    os.execvp("pgbouncer", ["pgbouncer", str(file)])  # noqa: S606 - found on the image's PATH


def _reload(pgbouncer: int) -> None:
    os.kill(pgbouncer, signal.SIGHUP)


if __name__ == "__main__":
    main()
