"""Options that every controller takes, as flags or as environment variables."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Never

from controllers.runtime.leader import Timing


@dataclass(frozen=True)
class Options:
    """How a controller's process runs.

    ``kubeconfig`` is a file whose current context is used; without it, the pod's ServiceAccount.
    ``namespaces`` are those that are watched; none: all. ``health`` is host and port of the HTTP endpoint.
    ``resync`` and ``watch_idle`` are in seconds. Without ``election_namespace`` the process leads as it is.
    """

    kubeconfig: Path | None
    namespaces: tuple[str, ...]
    health: str
    workers: int
    resync: float
    watch_idle: float
    election_namespace: str
    election: Timing
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
        may_be_empty: bool = False,
    ) -> None:
        """Add a flag; it is required when it has no default and the environment doesn't set ``variable``.

        A variable that is set but empty counts as not set, unless the value ``may_be_empty``.
        """
        value = os.environ.get(variable, default) if may_be_empty else os.environ.get(variable) or default
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

    def error(self, message: str) -> Never:
        """End the process with code 2 and ``message``."""
        self._parser.error(message)


def add_process_flags(flags: Flags) -> None:
    """Add the flags of every process that watches something."""
    flags.add("--kubeconfig", "KUBECONFIG", "kubeconfig file; empty: the pod's ServiceAccount", default="")
    flags.add(
        "--health-address",
        "HEALTH_ADDRESS",
        "host:port of /healthz, /readyz and /metrics, port 0 for any",
        default="127.0.0.1:8080",
    )
    # An API server sends a bookmark every 60 to 75 s (apiserver, storage/cacher, 1.36).
    flags.add("--watch-idle", "WATCH_IDLE_SECONDS", "seconds of silence after which a watch is dead", default="120")
    flags.add("--log-level", "LOG_LEVEL", "least level logged", default="INFO", choices=("DEBUG", "INFO", "WARNING"))


def add_runtime_flags(flags: Flags) -> None:
    """Add the flags that `runtime_options` reads."""
    add_process_flags(flags)
    # Without a default: a variable that was forgotten must not mean all namespaces.
    flags.add(
        "--namespace", "WATCH_NAMESPACE", "namespaces to watch, separated by commas; empty: all", may_be_empty=True
    )
    flags.add("--workers", "WORKERS", "objects reconciled at the same time", default="8")
    flags.add("--resync", "RESYNC_SECONDS", "seconds between two looks at every object", default="600")
    flags.add(
        "--leader-election-namespace",
        "LEADER_ELECTION_NAMESPACE",
        "namespace of the Lease by which one of several replicas leads; empty: no election",
        default="",
    )
    for flag, variable, help_text, default in _ELECTION:
        flags.add(flag, variable, help_text, default=f"{default:g}")


_ELECTION = (
    ("--lease", "LEASE_SECONDS", "seconds that others wait for a leader's renewal", Timing.lease),
    ("--renew-deadline", "RENEW_DEADLINE_SECONDS", "seconds that a leader may write after a renewal", Timing.renew),
    ("--retry-period", "RETRY_PERIOD_SECONDS", "seconds between two tries to renew or to lead", Timing.retry),
)


def runtime_options(flags: Flags, parsed: argparse.Namespace) -> Options:
    """Return the validated options; a wrong value ends the process with a message that names it."""
    namespaces = tuple(name.strip() for name in str(parsed.namespace).split(",") if name.strip())
    if parsed.namespace and not namespaces:
        flags.error(f"--namespace: {parsed.namespace!r} names no namespace")
    return Options(
        kubeconfig=Path(parsed.kubeconfig) if parsed.kubeconfig else None,
        namespaces=namespaces,
        health=health_address(flags, parsed),
        workers=int(number(flags, "--workers", parsed.workers, least=1)),
        resync=number(flags, "--resync", parsed.resync, least=1),
        watch_idle=number(flags, "--watch-idle", parsed.watch_idle, least=1),
        election_namespace=parsed.leader_election_namespace,
        election=_timing(flags, parsed),
        log_level=parsed.log_level,
    )


def _timing(flags: Flags, parsed: argparse.Namespace) -> Timing:
    timing = Timing(
        lease=number(flags, "--lease", parsed.lease, least=1),
        renew=number(flags, "--renew-deadline", parsed.renew_deadline, least=0.1),
        retry=number(flags, "--retry-period", parsed.retry_period, least=0.1),
    )
    if not timing.retry < timing.renew < timing.lease:
        flags.error("--retry-period must be less than --renew-deadline, and that less than --lease")
    return timing


def health_address(flags: Flags, parsed: argparse.Namespace) -> str:
    """Return ``--health-address``; a wrong one ends the process with a message that names it."""
    host, _, port = str(parsed.health_address).rpartition(":")
    if not host or not port.isdecimal():
        flags.error(f"--health-address: {parsed.health_address!r} is not host:port")
    return parsed.health_address


def number(flags: Flags, flag: str, text: str, *, least: float) -> float:
    """Return the number that a flag's ``text`` says; a wrong one ends the process with a message that names it."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not least <= found < float("inf"):
        flags.error(f"{flag}: {text!r} is not a number of at least {least:g}")
    return found
