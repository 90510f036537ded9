"""Where WAL and base backups go, and where a clone comes from, as the published image's environment tells it.

Names and meanings: Spilo's `ENVIRONMENT.rst` and `configure_spilo.py`. Those of a clone's source start with `CLONE_`.
What stands behind them differs: the published image runs wal-g, which can't be had here, this one pgBackRest. Neither
reads what the other has written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_CLONE = "CLONE_"
_STORAGE = (
    "WAL_S3_BUCKET",
    "WAL_BUCKET_SCOPE_PREFIX",
    "WAL_BUCKET_SCOPE_SUFFIX",
    "WALE_S3_PREFIX",
    "WALG_S3_PREFIX",
    "WALG_S3_CA_CERT_FILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
    "AWS_ENDPOINT",
    "AWS_S3_FORCE_PATH_STYLE",
)
# Taken where they ask for what is done anyway. pgBackRest never writes another segment over one of the same name.
_ONLY = {
    "USE_WALG_BACKUP": "true",
    "USE_WALG_RESTORE": "true",
    "WALG_PREVENT_WAL_OVERWRITE": "true",
    "CLONE_USE_WALG_RESTORE": "true",
    "CLONE_METHOD": "CLONE_WITH_WALE",
}
HONOURED = frozenset(
    (
        *_STORAGE,
        *(f"{_CLONE}{name}" for name in _STORAGE),
        *_ONLY,
        "BACKUP_SCHEDULE",
        "BACKUP_NUM_TO_RETAIN",
        "CLONE_SCOPE",
        "CLONE_TARGET_TIME",
        # The operator gives it beside CLONE_AWS_ENDPOINT, for an older tool.
        "CLONE_WALE_S3_ENDPOINT",
    )
)
# Where an object storage is, any of which switches archive or clone on.
_PLACES = ("WALG_S3_PREFIX", "WALE_S3_PREFIX", "WAL_S3_BUCKET")
_NEEDED = {
    "AWS_ACCESS_KEY_ID": "a pod's role can't be used here",
    "AWS_SECRET_ACCESS_KEY": "a pod's role can't be used here",
    "WALG_S3_CA_CERT_FILE": "this image trusts no authority by itself",
}
# The region that clients of S3-compatible storage sign with where none is told.
_REGION = "us-east-1"
_HTTPS = 443
# The published image's own defaults; it keeps as many backups as days, at least two.
_SCHEDULE, _RETAIN, _LEAST = "00 01 * * *", 5, 2


@dataclass(frozen=True, slots=True)
class Storage:
    """A place in S3-compatible object storage, with the login to it."""

    bucket: str
    path: str
    """In the bucket, with a slash before it."""
    host: str
    port: int
    region: str
    path_style: bool
    key: str
    secret_key: str
    authority_file: str


@dataclass(frozen=True, slots=True)
class Archive:
    """Where this cluster's WAL and base backups go."""

    storage: Storage
    schedule: str
    """Of base backups, as cron has it, in UTC."""
    days: int
    """How far back the database can be restored."""


@dataclass(frozen=True, slots=True)
class Clone:
    """What a new cluster is filled from, and up to when."""

    storage: Storage
    target: datetime


def archive_of(environment: Mapping[str, str]) -> Archive | None:
    """Return where the cluster archives to; nowhere where nothing says it."""
    if not _asked_for(environment, ""):
        return None
    days = int(environment.get("BACKUP_NUM_TO_RETAIN") or _RETAIN)
    return Archive(_storage(environment, ""), environment.get("BACKUP_SCHEDULE") or _SCHEDULE, max(days, _LEAST))


def clone_of(environment: Mapping[str, str]) -> Clone | None:
    """Return what a new cluster is filled from; nothing where nothing says it."""
    if not environment.get("CLONE_METHOD"):
        return None
    return Clone(_storage(environment, _CLONE), _moment(environment["CLONE_TARGET_TIME"]))


def problems(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield what is wrong or can't be honoured, never with a value that may be secret."""
    for name, value in _ONLY.items():
        if (given := environment.get(name)) and given != value:
            yield f"{name} is {given}; only {value} is supported here"
    if _asked_for(environment, ""):
        yield from _storage_problems(environment, "")
        if not (environment.get("BACKUP_NUM_TO_RETAIN") or "1").isdecimal():
            yield f"BACKUP_NUM_TO_RETAIN is {environment['BACKUP_NUM_TO_RETAIN']}; it is a number of days"
    if environment.get("CLONE_METHOD"):
        yield from _clone_problems(environment)


def _clone_problems(environment: Mapping[str, str]) -> Iterator[str]:
    if _asked_for(environment, _CLONE):
        yield from _storage_problems(environment, _CLONE)
    else:
        yield "CLONE_METHOD is set, but none of " + ", ".join(f"{_CLONE}{name}" for name in _PLACES)
    try:
        _moment(environment.get("CLONE_TARGET_TIME", ""))
    except ValueError as error:
        yield f"CLONE_TARGET_TIME: {error}"


def _storage_problems(environment: Mapping[str, str], prefix: str) -> Iterator[str]:
    for name, reason in _NEEDED.items():
        if not environment.get(f"{prefix}{name}"):
            yield f"{prefix}{name} is missing: {reason}"
    if not _place(environment, prefix).startswith("s3://"):
        yield f"{prefix}WALG_S3_PREFIX is no s3://<bucket>/<path>"
    endpoint = environment.get(f"{prefix}AWS_ENDPOINT")
    if endpoint and not endpoint.startswith("https://"):
        yield f"{prefix}AWS_ENDPOINT is {endpoint}; only https is supported here"


def _asked_for(environment: Mapping[str, str], prefix: str) -> bool:
    return any(environment.get(f"{prefix}{name}") for name in _PLACES)


def _storage(environment: Mapping[str, str], prefix: str) -> Storage:
    def given(name: str) -> str:
        return environment.get(f"{prefix}{name}", "")

    place = urlsplit(_place(environment, prefix))
    region = given("AWS_REGION") or _REGION
    endpoint = urlsplit(given("AWS_ENDPOINT") or f"https://s3.{region}.amazonaws.com")
    return Storage(
        bucket=place.netloc,
        path=f"/{place.path.strip('/')}",
        host=endpoint.hostname or "",
        port=endpoint.port or _HTTPS,
        region=region,
        path_style=given("AWS_S3_FORCE_PATH_STYLE").lower() in {"true", "1"},
        key=given("AWS_ACCESS_KEY_ID"),
        secret_key=given("AWS_SECRET_ACCESS_KEY"),
        authority_file=given("WALG_S3_CA_CERT_FILE"),
    )


def _place(environment: Mapping[str, str], prefix: str) -> str:
    """Return bucket and path, which the published image makes of the cluster's name and PostgreSQL's major."""
    for name in ("WALG_S3_PREFIX", "WALE_S3_PREFIX"):
        if whole := environment.get(f"{prefix}{name}"):
            return whole
    bucket, scope = environment.get(f"{prefix}WAL_S3_BUCKET", ""), environment.get(f"{prefix}SCOPE", "")
    namespace = environment.get("POD_NAMESPACE", "default")
    before = environment.get(f"{prefix}WAL_BUCKET_SCOPE_PREFIX", "" if namespace == "default" else f"{namespace}-")
    after = environment.get(f"{prefix}WAL_BUCKET_SCOPE_SUFFIX", "")
    return f"s3://{bucket}/spilo/{before}{scope}{after}/wal/{environment.get('PGVERSION', '')}"


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC")
    return moment
