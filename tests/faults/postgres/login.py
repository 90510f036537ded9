"""An application's login: psql in a pod, by a Service's name and with what the user's Secret holds at that moment."""

import base64
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sandbox import images
from tests.faults.postgres.lab import CLIENT_NODE, NAME, NAMESPACE, Lab

_POD = "psql"
_CA_FILE = "/tmp/ca.crt"  # noqa: S108 - in the pod
# Goes in by standard input: as an argument the password would stand in the process list.
_ASK = 'read -r PGPASSWORD; export PGPASSWORD; exec psql -AtXq -d "$1" -c "$2"'


def secret_name(user: str) -> str:
    return f"{user.replace('_', '-')}.{NAME}.credentials.postgresql.acid.zalan.do"


def credentials(lab: Lab, user: str = "dbuser") -> tuple[str, str]:
    """Return name and password as the user's Secret has them now."""
    data = lab.get("secret", secret_name(user))["data"]
    return base64.b64decode(data["username"]).decode(), base64.b64decode(data["password"]).decode()


@dataclass(frozen=True)
class Psql:
    """A pod with psql."""

    lab: Lab

    def trust(self, authority: str) -> dict[str, str]:
        """Put a certificate authority (PEM) into the pod; return the parameters by which libpq insists on it."""
        done = self._run("sh", "-c", f"cat > {_CA_FILE}", stdin=authority)
        assert done.returncode == 0, done.stderr
        return {"sslmode": "verify-full", "sslrootcert": _CA_FILE}

    def query(
        self, host: str, sql: str, parameters: Mapping[str, str] | None = None, login: tuple[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Ask a host; ``parameters`` are libpq's, where they differ from an application's."""
        user, password = login or credentials(self.lab)
        where = {"host": host, "dbname": "defaultdb", "user": user, "sslmode": "require", "connect_timeout": "5"}
        target = " ".join(f"{key}={value}" for key, value in {**where, **(parameters or {})}.items())
        return self._run("sh", "-c", _ASK, "sh", target, sql, stdin=f"{password}\n")

    def answer(self, host: str, sql: str, parameters: Mapping[str, str] | None = None) -> str:
        """Return what a host answers; nothing while it doesn't."""
        return self.query(host, sql, parameters).stdout.strip()

    def serial(self, host: str) -> str:
        """Return the number of the certificate that a host shows; nothing while it shows none."""
        command = f"openssl s_client -starttls postgres -connect {host}:5432 </dev/null | openssl x509 -noout -serial"
        return self._run("sh", "-c", command, stdin="").stdout.strip()

    def _run(self, *command: str, stdin: str) -> subprocess.CompletedProcess[str]:
        return self.lab.kubectl.run("exec", "-i", _POD, "-n", NAMESPACE, "--", *command, text=stdin)


@contextmanager
def psql(lab: Lab) -> Generator[Psql]:
    """Start the pod, on the node that no fault touches, and take it away again."""
    lab.kubectl.apply(_pod())
    try:
        lab.kubectl("wait", f"pod/{_POD}", "-n", NAMESPACE, "--for=condition=Ready", "--timeout=60s")
        yield Psql(lab)
    finally:
        lab.kubectl("delete", "pod", _POD, "-n", NAMESPACE, "--grace-period=0", "--force")


def _pod() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": _POD, "namespace": NAMESPACE, "labels": {"platform/postgres-client": "true"}},
        "spec": {
            "nodeName": CLIENT_NODE,
            "tolerations": [{"operator": "Exists"}],
            "automountServiceAccountToken": False,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 101, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "psql",
                    "image": images.reference("postgres"),
                    "command": ["sleep", "infinity"],
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                }
            ],
        },
    }
