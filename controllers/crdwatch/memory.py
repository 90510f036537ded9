"""What was logged last of every object, so that after a gap only what changed is logged."""

import json
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

_TABLES = """
    CREATE TABLE IF NOT EXISTS objects (uid TEXT PRIMARY KEY, version TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class Known(NamedTuple):
    """An object as it was logged last."""

    version: str
    body: dict[str, Any]


class Memory:
    """Objects by UID, and the resource version up to which all was logged; in a file it outlives the process.

    Each call is stored by itself. Who logs first and stores then repeats at most one record after a crash.

    Raises ``sqlite3.DatabaseError`` when the file is something else.
    """

    def __init__(self, file: Path | None, scope: str) -> None:
        self._db = sqlite3.connect(file or ":memory:", isolation_level=None)
        # Safe when the process dies, and without waiting for the disk at every record.
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_TABLES)
        if self._fact("scope") != scope:
            # Another kind or namespace was watched with this file.
            self._db.executescript("DELETE FROM objects; DELETE FROM facts;")
            self._store("scope", scope)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    @property
    def version(self) -> str | None:
        """The resource version up to which all was logged; None before the first listing."""
        return self._fact("version")

    @version.setter
    def version(self, version: str) -> None:
        self._store("version", version)

    def uids(self) -> set[str]:
        """Return the UIDs of all objects that exist, as far as was logged."""
        return {uid for (uid,) in self._db.execute("SELECT uid FROM objects")}

    def get(self, uid: str) -> Known | None:
        """Return what was logged last of an object; None if it doesn't exist."""
        row = self._db.execute("SELECT version, body FROM objects WHERE uid = ?", (uid,)).fetchone()
        return Known(row[0], json.loads(row[1])) if row else None

    def put(self, uid: str, known: Known) -> None:
        """Remember what was logged of an object."""
        row = (uid, known.version, json.dumps(known.body))
        self._db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", row)

    def remove(self, uid: str) -> None:
        """Forget an object that was deleted."""
        self._db.execute("DELETE FROM objects WHERE uid = ?", (uid,))

    def _fact(self, name: str) -> str | None:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def _store(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))
