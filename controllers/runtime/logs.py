"""Logs as JSON lines on standard error."""

import logging

from pythonjsonlogger.json import JsonFormatter


def configure_logs(level: str) -> None:
    """Log one JSON object a line: ``timestamp``, ``severity``, ``logger``, ``message``, and a traceback if any."""
    handler = logging.StreamHandler()
    formatter = JsonFormatter(
        "{levelname}{name}{message}",
        style="{",
        rename_fields={"levelname": "severity", "name": "logger"},
        timestamp=True,
    )
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # At INFO it logs every request.
    logging.getLogger("httpx2").setLevel(max(logging.WARNING, root.level))
