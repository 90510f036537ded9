"""A client under load: inserts numbered rows one after the other and notes each one whose commit was acknowledged.

Runs in a pod of the database's image, which has psycopg2: ``python3 writer.py NAME ADDRESS``, until SIGTERM. An
address, so that what is measured isn't DNS. A note is a line ``number moment server``; the moment is of the machine's
monotonic clock, which all nodes share.
"""

import os
import select
import signal
import sys
import time
from typing import Any

import psycopg2  # pyright: ignore[reportMissingModuleSource] - in the image
import psycopg2.extensions as pg  # pyright: ignore[reportMissingModuleSource]

# Seconds between two rows, and before another try.
PAUSE = 0.01
# Seconds that a client waits for any answer: an application's own time limit, or it would hang on a frozen server.
PATIENCE = 1.0


class TooLateError(Exception):
    """No answer within the time that the client has."""


def wait(connection: Any) -> None:
    """Wait for an answer as psycopg2 would, but not for ever."""
    deadline = time.monotonic() + PATIENCE
    while (state := connection.poll()) != pg.POLL_OK:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TooLateError
        descriptor = connection.fileno()
        reads, writes = ([descriptor], []) if state == pg.POLL_READ else ([], [descriptor])
        select.select(reads, writes, [], left)


class Client:
    """What an application does: keeps a connection, and makes another when it fails."""

    def __init__(self, name: str, address: str) -> None:
        self._name, self._address = name, address
        self._connection: Any = None
        self.server = ""

    def write(self, number: int) -> bool:
        """Insert one row; tell whether its commit was acknowledged."""
        try:
            connection = self._connection or self._connect()
            with connection.cursor() as cursor:
                cursor.execute("insert into numbered values (%s, %s)", (self._name, number))
        except (psycopg2.Error, TooLateError, OSError):
            self._drop()
            return False
        return True

    def _connect(self) -> Any:
        self._connection = connection = psycopg2.connect(
            host=self._address,
            dbname="defaultdb",
            user=os.environ["LOGIN"],
            password=os.environ["PASSWORD"],
            sslmode="require",
        )
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("select host(inet_server_addr())")
            ((self.server,),) = cursor.fetchall()
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def main() -> None:
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stop.append(number))
    pg.set_wait_callback(wait)
    client = Client(*sys.argv[1:])
    number = 0
    while not stop:
        if client.write(number):
            sys.stdout.write(f"{number} {time.monotonic()} {client.server}\n")
            sys.stdout.flush()
        # A row whose fate is unknown is never written again.
        number += 1
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
