"""An authority of a test's own, and the database's Secret with a certificate that it signed."""

import subprocess
from pathlib import Path
from typing import Any

from tests.faults.postgres.changes import POOLERS
from tests.faults.postgres.lab import NAME, NAMESPACE

SECRET = "pgsql-tls"
# As the stack exports them.
HOSTS = tuple(f"{service}.{NAMESPACE}.svc.cluster.local" for service in (NAME, f"{NAME}-repl", *POOLERS))
_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]


class Authority:
    """Signs certificates for the names that the stack exports."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True)
        _openssl(
            "req", "-x509", *_KEY, "-subj", "/CN=test", "-keyout", self._file("ca.key"), "-out", self._file("ca.crt")
        )

    @property
    def certificate(self) -> str:
        return (self._folder / "ca.crt").read_text()

    def secret(self) -> dict[str, Any]:
        """Return the Secret with a key and a certificate, both new."""
        names = ",".join(f"DNS:{host}" for host in HOSTS)
        command = ["req", "-x509", *_KEY, "-CA", self._file("ca.crt"), "-CAkey", self._file("ca.key")]
        command += ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName={names}"]
        command += ["-addext", "basicConstraints=critical,CA:FALSE"]
        _openssl(*command, "-keyout", self._file("tls.key"), "-out", self._file("tls.crt"))
        files = ("tls.crt", "tls.key", "ca.crt")
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": SECRET, "namespace": NAMESPACE},
            "stringData": {file: (self._folder / file).read_text() for file in files},
        }

    def serial(self) -> str:
        """Return the number of the certificate that was signed last."""
        return _openssl("x509", "-noout", "-serial", "-in", self._file("tls.crt"))

    def _file(self, name: str) -> str:
        return str(self._folder / name)


def _openssl(*arguments: str) -> str:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=True, umask=0o077)
    return done.stdout.strip()
