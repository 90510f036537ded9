"""Applications as pods: they write numbered rows under load, and tell which ones were acknowledged."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox import images
from tests.faults.postgres.lab import CLIENT_NODE, NAME, NAMESPACE, Lab
from tests.integration.sandbox.kubectl import eventually

# Runs in the image; its own imports aren't there outside.
_WRITER = Path(__file__).with_name("writer.py")
_SECRET = f"dbuser.{NAME}.credentials.postgresql.acid.zalan.do"
_READY_SECONDS = 90


@dataclass(frozen=True)
class Acknowledged:
    """One row that a server has promised to keep."""

    number: int
    moment: float
    server: str


class Client:
    """A pod that writes to the primary's Service or to ``address``, from a node that no fault touches."""

    def __init__(self, lab: Lab, name: str, *, node: str = CLIENT_NODE, address: str = "") -> None:
        self._lab, self.name = lab, name
        service = lab.get("service", NAME)["spec"]["clusterIP"]
        lab.kubectl.apply(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": name, "namespace": NAMESPACE},
                "data": {"writer.py": _WRITER.read_text()},
            },
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"platform/postgres-client": "true"}},
                "spec": _pod(name, node, address or service),
            },
        )

    def await_writing(self) -> None:
        eventually(lambda: bool(self.notes()), f"{self.name} writes", _READY_SECONDS)

    def notes(self) -> list[Acknowledged]:
        """Return what was acknowledged, in order."""
        lines = self._lab.kubectl.run("logs", self.name, "-n", NAMESPACE).stdout.splitlines()
        parts = (line.split() for line in lines if line.count(" ") == 2)
        return [Acknowledged(int(number), float(moment), server) for number, moment, server in parts]

    def writes_since(self, moment: float) -> bool:
        lines = self._lab.kubectl.run("logs", self.name, "-n", NAMESPACE, "--tail=1").stdout.split()
        return len(lines) == 3 and float(lines[1]) > moment

    def stop(self) -> None:
        self._lab.kubectl("delete", f"pod/{self.name}", f"configmap/{self.name}", "-n", NAMESPACE, "--grace-period=1")


def _pod(name: str, node: str, address: str) -> dict[str, Any]:
    from_secret = {
        variable: {"secretKeyRef": {"name": _SECRET, "key": key}}
        for variable, key in (("LOGIN", "username"), ("PASSWORD", "password"))
    }
    return {
        "restartPolicy": "Never",
        "nodeName": node,
        "tolerations": [{"operator": "Exists"}],
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 101, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "writer",
                "image": images.reference("postgres"),
                "command": ["python3", "/program/writer.py", name, address],
                "env": [{"name": variable, "valueFrom": source} for variable, source in from_secret.items()],
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                "volumeMounts": [{"name": "program", "mountPath": "/program"}],
            }
        ],
        "volumes": [{"name": "program", "configMap": {"name": name}}],
    }
