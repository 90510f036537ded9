"""Writes Patroni's configuration and becomes Patroni."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import yaml
from croniter import croniter  # pyright: ignore[reportMissingModuleSource] - in the image

from sandbox.images.postgres.contract import WITHOUT_EFFECT, ContractError, parse, programs
from sandbox.images.postgres.patroni import configuration
from sandbox.images.postgres.pgbackrest import files
from sandbox.images.tls.certificates import follow, self_signed

# PATRONICTL_CONFIG_FILE and PGHOST of the image lead here too.
FOLDER = Path("/tmp/postgres")  # noqa: S108 - of this container alone
_PRIVATE = 0o700


def main() -> NoReturn:
    """Become Patroni, or end with code 1."""
    try:
        contract = parse(os.environ, socket.gethostname())
    except ContractError as error:
        sys.exit(f"postgres: this image can't do what is asked of it:\n{error}")
    for name, reason in WITHOUT_EFFECT.items():
        if os.environ.get(name):
            sys.stderr.write(f"postgres: {name} has no effect: {reason}\n")
    os.umask(0o077)
    for folder in (FOLDER, Path(contract.root)):
        folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    file = FOLDER / "patroni.yml"
    certificate = contract.certificate_files or self_signed(FOLDER, contract.pod)
    file.write_text(yaml.safe_dump(configuration(contract, FOLDER, certificate)))
    for place, text in files(contract, FOLDER).items():
        place.write_text(text)
    if contract.certificate_files:
        followed = [*contract.certificate_files, *filter(None, [contract.authority_file])]
        # As the published image's job does every five minutes.
        follow(followed, lambda: _reload(Path(contract.root) / "data"))
    os.environ["PATH"] = f"{programs()}:{os.environ['PATH']}"
    if contract.archive:
        _start_backups(contract.archive.schedule)
    os.execvp("patroni", ["patroni", str(file)])  # noqa: S606 - found on our own PATH


def _start_backups(schedule: str) -> None:
    """Start what takes base backups; it ends with the container."""
    if not croniter.is_valid(schedule):
        sys.exit(f"postgres: BACKUP_SCHEDULE is {schedule!r}; it is a cron schedule of five fields")
    subprocess.Popen([sys.executable, "-m", "sandbox.images.postgres.backups", schedule])


def _reload(data: Path) -> None:
    """Tell the server, if it runs, to read its configuration and certificate again."""
    postmaster = int((data / "postmaster.pid").read_text().partition("\n")[0])
    os.kill(postmaster, signal.SIGHUP)


if __name__ == "__main__":
    main()
