"""What the operator asks of a pooler's pod by its environment, and what of that is refused here.

Names: `pkg/cluster/connection_pooler.go` of the Zalando operator 1.15.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PREFIX = "CONNECTION_POOLER_"
_NEEDED = ("PGHOST", "PGPORT", "PGUSER", "PGSCHEMA", "PGPASSWORD", f"{_PREFIX}PORT", f"{_PREFIX}MODE")
# PgBouncer's settings (its config.md, 1.18) by the operator's names for them.
_SIZES = {
    f"{_PREFIX}DEFAULT_SIZE": "default_pool_size",
    f"{_PREFIX}MIN_SIZE": "min_pool_size",
    f"{_PREFIX}RESERVE_SIZE": "reserve_pool_size",
    f"{_PREFIX}MAX_CLIENT_CONN": "max_client_conn",
    f"{_PREFIX}MAX_DB_CONN": "max_db_connections",
}
_NUMBERS = ("PGPORT", f"{_PREFIX}PORT", *_SIZES)
_MODES = ("session", "transaction")
_CERTIFICATE, _KEY, _AUTHORITY = (f"{_PREFIX}CLIENT_{name}" for name in ("TLS_CRT", "TLS_KEY", "CA_FILE"))
_KNOWN = {*_NEEDED, *_NUMBERS, _CERTIFICATE, _KEY, _AUTHORITY}
# Would end a line of the configuration, or a word of it.
_UNFIT = ("\n", "\r", "'", '"', " ", ";")


class ContractError(Exception):
    """A variable that is missing, wrong or can't be honoured; the text names it and what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The environment, read."""

    host: str
    port: str
    user: str
    password: str
    schema: str
    """Where the operator has put the function that tells a role's password."""
    listen_port: str
    mode: str
    sizes: dict[str, str]
    """PgBouncer's settings of sizes, those that were given."""
    certificate_files: tuple[str, str] | None
    """Certificate and key; without, one is made that nobody else has signed."""
    authority_file: str


def parse(environment: Mapping[str, str]) -> Contract:
    """Return the contract.

    Raises `ContractError` with all that is wrong, a line each.
    """
    if wrong := list(_problems(environment)):
        raise ContractError("\n".join(wrong))
    certificate, key = environment.get(_CERTIFICATE), environment.get(_KEY)
    return Contract(
        host=environment["PGHOST"],
        port=environment["PGPORT"],
        user=environment["PGUSER"],
        password=environment["PGPASSWORD"],
        schema=environment["PGSCHEMA"],
        listen_port=environment[f"{_PREFIX}PORT"],
        mode=environment[f"{_PREFIX}MODE"],
        sizes={setting: environment[name] for name, setting in _SIZES.items() if environment.get(name)},
        certificate_files=(certificate, key) if certificate and key else None,
        authority_file=environment.get(_AUTHORITY, ""),
    )


def _problems(environment: Mapping[str, str]) -> Iterator[str]:
    yield from (f"{name} is missing" for name in _NEEDED if not environment.get(name))
    yield from _wrong_values(environment)
    if bool(environment.get(_CERTIFICATE)) != bool(environment.get(_KEY)):
        yield f"{_CERTIFICATE} and {_KEY} go together"
    for name in sorted(environment):
        if name.startswith(_PREFIX) and name not in _KNOWN:
            yield f"{name} is not supported here; supported are {', '.join(sorted(_KNOWN))}"


def _wrong_values(environment: Mapping[str, str]) -> Iterator[str]:
    for name in _NUMBERS:
        if (value := environment.get(name, "")) and not value.isdecimal():
            yield f"{name} is {value!r}; allowed is a whole number"
    if (mode := environment.get(f"{_PREFIX}MODE", _MODES[0])) and mode not in _MODES:
        yield f"{_PREFIX}MODE is {mode!r}; allowed is {' or '.join(_MODES)}"
    for name in ("PGHOST", "PGUSER", "PGSCHEMA"):
        if any(sign in environment.get(name, "") for sign in _UNFIT):
            yield f"{name} has a space, a quote, a semicolon or a new line in it, which the configuration can't hold"
