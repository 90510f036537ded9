"""What the operator asks of a backup's pod by its environment, and what of that is refused here.

Names: `generateLogicalBackupPodEnvVars` in `pkg/cluster/k8sres.go` of the Zalando operator 1.15.1.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sandbox.images.postgres.contract import MAJOR, ContractError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PREFIX = "LOGICAL_BACKUP_"
_PROVIDER, _RETENTION = f"{_PREFIX}PROVIDER", f"{_PREFIX}S3_RETENTION_TIME"
_BUCKET, _FOLDER, _SUFFIX, _REGION, _ENDPOINT, _ENCRYPTION = (
    f"{_PREFIX}S3_{name}" for name in ("BUCKET", "BUCKET_PREFIX", "BUCKET_SCOPE_SUFFIX", "REGION", "ENDPOINT", "SSE")
)
_KEY, _SECRET = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
# libpq takes PGPORT, PGUSER, PGPASSWORD and PGSSLMODE from the environment by itself.
_NEEDED = ("SCOPE", "CLUSTER_NAME_LABEL", "POD_NAMESPACE", "PG_VERSION", "PGUSER", "PGPASSWORD", _BUCKET, _KEY, _SECRET)
_KNOWN = {_PROVIDER, _RETENTION, _BUCKET, _FOLDER, _SUFFIX, _REGION, _ENDPOINT, _ENCRYPTION}
_ENCRYPTIONS = ("", "AES256")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """The environment, read."""

    cluster: str
    cluster_label: str
    namespace: str
    bucket: str
    folder: str
    """Where in the bucket this cluster's backups are, with no slash at either end."""
    region: str
    endpoint: str
    """URL of the storage; empty is AWS."""
    encrypted: bool
    """Whether the storage is asked to encrypt by a key of its own."""
    key: str
    secret: str
    keep_since: str
    """Day, such as 2026-08-29; backups of earlier ones are deleted. Empty keeps all."""


def parse(environment: Mapping[str, str]) -> Contract:
    """Return the contract.

    Raises `ContractError` with all that is wrong, a line each.
    """
    if wrong := list(_problems(environment)):
        raise ContractError("\n".join(wrong))
    # The suffix begins with a slash where there is one.
    cluster = environment["SCOPE"] + environment.get(_SUFFIX, "")
    retention = environment.get(_RETENTION)
    return Contract(
        cluster=environment["SCOPE"],
        cluster_label=environment["CLUSTER_NAME_LABEL"],
        namespace=environment["POD_NAMESPACE"],
        bucket=environment[_BUCKET],
        folder="/".join(filter(None, (environment.get(_FOLDER), cluster, "logical_backups"))),
        region=environment.get(_REGION, ""),
        endpoint=environment.get(_ENDPOINT, ""),
        encrypted=bool(environment.get(_ENCRYPTION)),
        key=environment[_KEY],
        secret=environment[_SECRET],
        keep_since=_day_before(retention) if retention else "",
    )


def _problems(environment: Mapping[str, str]) -> Iterator[str]:
    yield from (f"{name} is missing" for name in _NEEDED if not environment.get(name))
    if (version := environment.get("PG_VERSION", MAJOR)) != MAJOR:
        yield f"PG_VERSION is {version!r}; allowed is {MAJOR}"
    if (provider := environment.get(_PROVIDER, "s3")) != "s3":
        yield f"{_PROVIDER} is {provider!r}; allowed is s3"
    if (encryption := environment.get(_ENCRYPTION, "")) not in _ENCRYPTIONS:
        yield f"{_ENCRYPTION} is {encryption!r}; allowed is AES256 or nothing"
    if (endpoint := environment.get(_ENDPOINT, "")) and urlsplit(endpoint).scheme not in {"http", "https"}:
        yield f"{_ENDPOINT} is {endpoint!r}; allowed is http(s)://<host>[:<port>]"
    if (retention := environment.get(_RETENTION, "")) and not _day_before(retention):
        yield f"{_RETENTION} is {retention!r}; allowed is an age that `date` knows, such as 3 months"
    for name in sorted(environment):
        if name.startswith(_PREFIX) and name not in _KNOWN:
            yield f"{name} is not supported here; supported are {', '.join(sorted(_KNOWN))}"


def _day_before(age: str) -> str:
    """Return the day that is so long ago, empty where that isn't an age: the published image asks `date` too."""
    asked = subprocess.run(["date", "-u", "-d", f"{age} ago", "+%F"], capture_output=True, text=True, check=False)
    return asked.stdout.strip()
