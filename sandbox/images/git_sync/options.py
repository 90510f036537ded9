"""Flags and environment of git-sync v4.7 (its main.go), as far as they are honoured here."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SHORTEST_PERIOD = 0.01
# Taken from the environment only, so that it shows in no list of processes.
_PASSWORD = "GITSYNC_PASSWORD"  # noqa: S105 - the name of a variable


class OptionError(Exception):
    """A flag or variable that is unknown, missing or wrong; the text names it and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to sync and how; `period` in seconds, `max_failures` below 0 means for ever."""

    repo: str
    ref: str
    root: Path
    link: Path
    period: float
    max_failures: int
    one_time: bool
    http_bind: str
    webhook_url: str
    username: str
    password: str
    password_file: Path | None
    ssh_key_file: Path
    ssh_known_hosts: bool
    ssh_known_hosts_file: Path


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - that one exits
        raise OptionError(message)


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> Options:
    """Return the options; a flag goes before its variable `GITSYNC_<FLAG>`.

    Raises `OptionError`.
    """
    parser = _parser()
    flags = {f"GITSYNC_{action.dest.upper()}": action for action in parser._actions}  # noqa: SLF001 - argparse shows them nowhere else
    for name in sorted(environment):
        if name.startswith(("GITSYNC_", "GIT_SYNC_")) and name not in {*flags, _PASSWORD}:
            raise OptionError(f"the variable {name} is not supported here; these are: {', '.join([*flags, _PASSWORD])}")
    # Before the arguments, of which the last one wins.
    given = [f"--{flags[name].dest.replace('_', '-')}={environment[name]}" for name in flags if name in environment]
    values, unknown = parser.parse_known_args([*given, *arguments])
    if unknown:
        known = ", ".join(f"--{action.dest.replace('_', '-')}" for action in flags.values())
        raise OptionError(f"{' '.join(unknown)}: not supported here; these flags are: {known}")
    return _checked(values, environment.get(_PASSWORD, ""))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="git-sync", add_help=False, allow_abbrev=False)
    parser.add_argument("--repo", required=True)
    parser.add_argument("--ref", default="HEAD")
    parser.add_argument("--root", required=True, type=Path)
    parser.add_argument("--link", type=Path)
    parser.add_argument("--period", type=_duration, default=10.0)
    parser.add_argument("--max-failures", type=int, default=0)
    parser.add_argument("--one-time", type=_boolean, nargs="?", const=True, default=False)
    parser.add_argument("--http-bind", default="")
    parser.add_argument("--webhook-url", default="")
    parser.add_argument("--username", default="")
    parser.add_argument("--password-file", type=Path)
    parser.add_argument("--ssh-key-file", type=Path, default=Path("/etc/git-secret/ssh"))
    parser.add_argument("--ssh-known-hosts", type=_boolean, nargs="?", const=True, default=True)
    parser.add_argument("--ssh-known-hosts-file", type=Path, default=Path("/etc/git-secret/known_hosts"))
    return parser


def _checked(values: argparse.Namespace, password: str) -> Options:
    if values.period < _SHORTEST_PERIOD:
        raise OptionError("argument --period: must be at least 10ms")
    if bool(values.username) != bool(password or values.password_file):
        raise OptionError(f"--username and one of --password-file and {_PASSWORD} go together")
    if password and values.password_file:
        raise OptionError(f"only one of --password-file and {_PASSWORD} may be given")
    if urlsplit(values.repo).password:
        raise OptionError("argument --repo: a password in the URL is not supported here; use --password-file")
    if values.webhook_url and (values.one_time or not values.webhook_url.startswith(("http://", "https://"))):
        raise OptionError(
            "argument --webhook-url: must be http:// or https://, and --one-time is not supported with it"
        )
    link = values.link or Path(values.repo.strip("/").rpartition("/")[2])
    # Symbolic links on the way would make git's answers differ from our paths.
    root = values.root.resolve()
    values.root, values.link = root, root / link
    return Options(password=password, **vars(values))


def _duration(text: str) -> float:
    if not _DURATION.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no duration such as 60s, 1m30s or 500ms")
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def _boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")
    return text.lower() == "true"
