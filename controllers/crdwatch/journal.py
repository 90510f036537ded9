"""Records on standard output, a JSON line each; what the process says of itself goes to standard error."""

import json
from datetime import UTC, datetime
from typing import Any, TextIO

from prometheus_client import Counter

RECORDS = Counter("crdwatch_records", "Records written; those of type gap tell that changes were missed.", ("type",))


class Journal:
    """Writes records ``{"time": …, "type": …, …}`` to a stream, each at once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, record_type: str, content: dict[str, Any]) -> None:
        """Write one record; its time, in UTC, is that of the logging."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self._stream.write(json.dumps({"time": now, "type": record_type, **content}) + "\n")
        self._stream.flush()
        RECORDS.labels(record_type).inc()
