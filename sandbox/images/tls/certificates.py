"""The certificate of one server."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_DAYS = "3650"
# Seconds between two looks. The kubelet itself brings a changed Secret within about a minute and a half.
_PAUSE = 5.0


def self_signed(folder: Path, name: str) -> tuple[str, str]:
    """Make a certificate for `name` that nobody else has signed, and return its file and that of its key."""
    certificate, key = folder / "server.crt", folder / "server.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", f"/CN={name}", "-days", _DAYS, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return str(certificate), str(key)


def follow(files: Sequence[str], reload: Callable[[], None]) -> None:
    """Have a process of its own call `reload` whenever the files change, for as long as the container lives."""
    if os.fork() == 0:
        _follow(files, reload)


def _follow(files: Sequence[str], reload: Callable[[], None]) -> None:
    known = _digest(files)
    while True:
        time.sleep(_PAUSE)
        if (now := _digest(files)) in (known, ""):
            continue
        try:
            reload()
        except (OSError, ValueError) as error:
            # The server is away; it may come back with the old files, or go before it has read the new ones.
            sys.stderr.write(f"tls: {error}; the new certificate is tried again\n")
        else:
            known = now
            sys.stderr.write(f"tls: {', '.join(files)} changed; the server has been told to read it\n")


def _digest(files: Sequence[str]) -> str:
    """Return what all contents come to; empty while one can't be read, as in the moment of a change."""
    try:
        return hashlib.sha256(b"\0".join(Path(file).read_bytes() for file in files)).hexdigest()
    except OSError:
        return ""
