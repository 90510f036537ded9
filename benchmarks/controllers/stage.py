"""The control plane on which everything is measured, and who acts on it."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox import cluster as control_plane
from sandbox import toolchain as tools
from sandbox.cluster import control
from sandbox.toolchain.crds import GATEWAY_API, ensure_crds
from tests.faults.controllers.api import NAMESPACES, Api, Cluster, Resource, policy_rules
from tests.faults.controllers.calls import ASIDE, WRITES
from tests.faults.controllers.subjects import WEBSITE
from tests.faults.controllers.suite import prepared

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

HOME = "bench"
ROLES = Resource("rbac.authorization.k8s.io", "v1", "clusterroles")
ROLE_BINDINGS = Resource("rbac.authorization.k8s.io", "v1", "rolebindings")
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts")


@dataclass(frozen=True)
class Stage:
    """A control plane with namespaces for the controller's Websites and for the script's objects."""

    sandbox: control_plane.Cluster
    folder: Path
    namespaces: tuple[str, ...]
    floor_namespaces: tuple[str, ...]

    @property
    def cluster(self) -> Cluster:
        """Return how an administrator reaches it."""
        return Cluster.read(self.sandbox.kubeconfig)

    def token(self, account: str) -> str:
        """Return an account's token."""
        return (self.folder / account).read_text()

    def writes(self, account: str, after: int = 0) -> tuple[int, int]:
        """Count the writes of an account in the audit log from byte ``after`` on; return also where the log ends."""
        user, count = f"system:serviceaccount:{HOME}:{account}", 0
        with self.sandbox.audit_log.open("rb") as log:
            log.seek(after)
            for line in log:
                entry = json.loads(line)
                if entry["user"]["username"] != user or entry["stage"] != "ResponseComplete":
                    continue
                count += entry["verb"] in WRITES and entry["objectRef"]["resource"] not in ASIDE
            return count, log.tell()


@contextmanager
def open_stage(folder: Path, namespaces: int) -> Generator[Stage]:
    """Start a control plane, and stop Kubernetes' own controllers when they have done their part.

    They would make ReplicaSets and pods of the Deployments: the same for the controller and for the script, and so
    much that the difference between the two would drown in it.
    """
    toolchain = tools.ensure()
    sandbox = control_plane.start(folder / "cluster", toolchain, crds=ensure_crds((GATEWAY_API,)))
    try:
        stage = Stage(
            sandbox,
            folder,
            tuple(f"sites-{number}" for number in range(namespaces)),
            tuple(f"floor-{number}" for number in range(namespaces)),
        )
        asyncio.run(_prepare(stage))
        for component in ("kube-controller-manager", "kube-scheduler", "kwok-controller"):
            control.process(sandbox, component).suspend()
        yield stage
    finally:
        control_plane.stop(folder / "cluster", toolchain)


async def _prepare(stage: Stage) -> None:
    async with prepared(stage.cluster, [WEBSITE]) as api:
        for namespace in (HOME, *stage.namespaces, *stage.floor_namespaces):
            await api.create(NAMESPACES, "", {"metadata": {"name": namespace}})
        await api.create(ROLES, "", {"metadata": {"name": HOME}, "rules": policy_rules(WEBSITE.rules)})
        await _account(api, stage, "controller", stage.namespaces)
        await _account(api, stage, "script", stage.floor_namespaces)


async def _account(api: Api, stage: Stage, name: str, namespaces: tuple[str, ...]) -> None:
    await api.create(SERVICE_ACCOUNTS, HOME, {"metadata": {"name": name}})
    for namespace in namespaces:
        binding: dict[str, Any] = {
            "metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": HOME},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": HOME}],
        }
        await api.create(ROLE_BINDINGS, namespace, binding)
    request: dict[str, Any] = {"metadata": {"name": name}, "spec": {"audiences": [], "expirationSeconds": 86400}}
    answer = await api.create(SERVICE_ACCOUNTS, HOME, request, "token")
    (stage.folder / name).write_text(answer["status"]["token"])
