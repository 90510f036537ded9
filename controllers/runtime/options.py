"""Options that every controller takes, as flags or as environment variables."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """How a controller's process runs.

    ``kubeconfig`` is a file whose current context is used; without it, the pod's ServiceAccount.
    ``namespaces`` are those that are watched. ``health`` is host and port of ``/healthz``. ``resync`` is in
    seconds.
    """

    kubeconfig: Path | None
    namespaces: tuple[str, ...]
    health: str
    workers: int
    resync: float
    log_level: str


class Flags:
    """An argument parser in which each flag has an environment variable for its default."""

    def __init__(self, description: str) -> None:
        self._parser = argparse.ArgumentParser(description=description, allow_abbrev=False)

    def add(
        self,
        flag: str,
        variable: str,
        help_text: str,
        *,
        default: str | None = None,
        choices: Sequence[str] | None = None,
    ) -> None:
        """Add a flag; it is required when it has no default and the environment doesn't set ``variable``."""
        value = os.environ.get(variable) or default
        self._parser.add_argument(
            flag,
            default=value,
            required=value is None,
            choices=choices,
            help=f"{help_text} (environment: {variable})",
        )

    def parse(self, arguments: Sequence[str] | None) -> argparse.Namespace:
        """Parse ``arguments``, the process's own when ``None``; a wrong one ends the process with code 2."""
        return self._parser.parse_args(arguments)

    def error(self, message: str) -> None:
        """End the process with code 2 and ``message``."""
        self._parser.error(message)


def add_runtime_flags(flags: Flags) -> None:
    """Add the flags that `runtime_options` reads."""
    flags.add("--kubeconfig", "KUBECONFIG", "kubeconfig file; empty: the pod's ServiceAccount", default="")
    flags.add("--namespace", "WATCH_NAMESPACE", "namespaces to watch, separated by commas")
    flags.add("--health-address", "HEALTH_ADDRESS", "host:port of /healthz, port 0 for any", default="127.0.0.1:8080")
    flags.add("--workers", "WORKERS", "objects reconciled at the same time", default="4")
    flags.add("--resync", "RESYNC_SECONDS", "seconds between two looks at every object", default="600")
    flags.add("--log-level", "LOG_LEVEL", "least level logged", default="INFO", choices=("DEBUG", "INFO", "WARNING"))


def runtime_options(flags: Flags, parsed: argparse.Namespace) -> Options:
    """Return the validated options; a wrong value ends the process with a message that names it."""
    namespaces = tuple(name.strip() for name in str(parsed.namespace).split(",") if name.strip())
    if not namespaces:
        flags.error("--namespace: needs at least one namespace")
    host, _, port = str(parsed.health_address).rpartition(":")
    if not host or not port.isdecimal():
        flags.error(f"--health-address: {parsed.health_address!r} is not host:port")
    return Options(
        kubeconfig=Path(parsed.kubeconfig) if parsed.kubeconfig else None,
        namespaces=namespaces,
        health=parsed.health_address,
        workers=int(_number(flags, "--workers", parsed.workers, least=1)),
        resync=_number(flags, "--resync", parsed.resync, least=1),
        log_level=parsed.log_level,
    )


def _number(flags: Flags, flag: str, text: str, *, least: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not least <= number < float("inf"):
        flags.error(f"{flag}: {text!r} is not a number of at least {least:g}")
    return number
