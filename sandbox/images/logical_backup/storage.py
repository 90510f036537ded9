"""The backups in the bucket, by s3cmd (2.3)."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sandbox.images.logical_backup.contract import Contract

_AWS = "s3.amazonaws.com"


def configuration(contract: Contract) -> str:
    """Return s3cmd's configuration."""
    endpoint = urlsplit(contract.endpoint)
    host = endpoint.netloc or _AWS
    settings = {
        "access_key": contract.key,
        "secret_key": contract.secret,
        "host_base": host,
        # The bucket is a folder of the host where that isn't AWS.
        "host_bucket": host if contract.endpoint else f"%(bucket)s.{_AWS}",
        "use_https": endpoint.scheme != "http",
        "bucket_location": contract.region or "US",
        "server_side_encryption": contract.encrypted,
    }
    return "[default]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items())


def outdated(listing: str, keep_since: str) -> list[str]:
    """Return the backups of a listing that are of an earlier day, but for the newest of them."""
    lines = sorted(line.split() for line in listing.splitlines())
    return [words[-1] for words in lines if words[0] < keep_since][:-1]


class Storage:
    """The folder of one cluster's backups."""

    def __init__(self, contract: Contract, file: Path) -> None:
        """Write s3cmd's configuration into a file of that name."""
        file.write_text(configuration(contract))
        self._command = ("s3cmd", f"--config={file}", "--no-progress")
        self._folder = f"s3://{contract.bucket}/{contract.folder}/"
        self._keep_since = contract.keep_since

    def put(self, backup: Path) -> str:
        """Store a backup under its own name; return its address."""
        self._run(["put", str(backup), self._folder])
        return f"{self._folder}{backup.name}"

    def forget(self) -> list[str]:
        """Delete what is too old and return it."""
        if not self._keep_since:
            return []
        old = outdated(self._run(["ls", self._folder]), self._keep_since)
        if old:
            self._run(["del", *old])
        return old

    def _run(self, arguments: Sequence[str]) -> str:
        return subprocess.run([*self._command, *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout
