"""Takes base backups on schedule, where this pod's server is the primary.

Runs beside Patroni as `python3 -m sandbox.images.postgres.backups SCHEDULE`. A new archive gets its first one at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import psycopg2  # pyright: ignore[reportMissingModuleSource] - in the image
from croniter import croniter  # pyright: ignore[reportMissingModuleSource] - in the image

# Seconds between two looks.
PAUSE = 5.0


class Schedule:
    """When the next base backup is due."""

    def __init__(self, cron: str) -> None:
        self._cron = cron
        # Nothing is known of the archive until the first look as primary.
        self._due: datetime | None = None

    def look(self, now: datetime) -> None:
        """Take a base backup if this is the primary and one is due."""
        if not is_primary():
            self._due = None
        elif self._due is None:
            # Does nothing where the archive is there, and fails where it is another database's.
            if pgbackrest("stanza-create"):
                self._due = self._next(now) if has_backup() else now
        elif now >= self._due and pgbackrest("backup", "--type=full"):
            self._due = self._next(now)

    def _next(self, now: datetime) -> datetime:
        return croniter(self._cron, now).get_next(datetime)


def is_primary() -> bool:
    """Tell whether the pod's server is there and takes writes."""
    user = os.environ["PGUSER_SUPERUSER"]
    try:
        with closing(psycopg2.connect(user=user, dbname="postgres", connect_timeout=5)) as connection:
            cursor: Any = connection.cursor()
            cursor.execute("select not pg_is_in_recovery()")
            ((primary,),) = cursor.fetchall()
    except psycopg2.Error:
        return False
    return primary


def has_backup() -> bool:
    """Tell whether the archive has a base backup."""
    answer = subprocess.run(["pgbackrest", "info", "--output=json"], capture_output=True, text=True, check=True)
    return any(stanza["backup"] for stanza in json.loads(answer.stdout))


def pgbackrest(*arguments: str) -> bool:
    """Run pgBackRest, which says itself what is wrong; tell whether all went well."""
    return subprocess.run(["pgbackrest", *arguments], check=False).returncode == 0


def main() -> None:
    """Look until the container ends."""
    schedule = Schedule(sys.argv[1])
    while True:
        try:
            schedule.look(datetime.now(UTC))
        except subprocess.CalledProcessError as error:
            sys.stderr.write(f"backups: {error}\n")
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
