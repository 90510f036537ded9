"""The database as `pulumi up` leaves it, under the real operator from its chart, in pods on real nodes."""

import json
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delivery.consequences import Consequence
from delivery.document import document
from delivery.preview import read
from sandbox.cluster import Cluster
from sandbox.toolchain.crds import LONGHORN
from tests.faults.real_nodes import real_nodes
from tests.integration.sandbox.kubectl import Kubectl, eventually
from tests.integration.stack.checkout import Checkout
from tests.unit.declared import stack_file

NAMESPACE, NAME = "postgres", "pgsql-cluster"
OPERATOR_NAMESPACE = "postgres-operator"
# Three for the database, and one that no fault touches, for its clients.
NODES = 4
# As many as five instances need, which never share a node.
NODES_TO_GROW = 6
CLIENT_NODE = "node-3"
_SECTIONS = {"protect", "cluster", "preflight", "longhorn", "postgres"}
ROLES = ["Leader", "Replica", "Sync Standby"]
# Three volumes and servers made one after the other, on a busy machine.
LONG_SECONDS = 240


def prod_patroni() -> dict[str, Any]:
    """Return how prod has Patroni."""
    return dict(stack_file("prod")["postgres"]["patroni"])


@dataclass(frozen=True)
class Lab:
    """A cluster of real nodes in which the database runs, and the project that rolled it out."""

    project: Checkout
    cluster: Cluster
    kubectl: Kubectl

    @property
    def settings(self) -> dict[str, Any]:
        """The stack file's section of PostgreSQL."""
        return self.project.sections()["postgres"]

    @property
    def instances(self) -> int:
        return self.settings["instances"]

    def edit(self, **changes: Any) -> Consequence:
        """Edit PostgreSQL's settings and roll them out; return what the report of the preview said of it."""
        self.project.edit(lambda sections: sections["postgres"].update(changes))
        said = document(read(self.project.pulumi("preview", "--json", "--refresh").stdout))["worst"]
        self.project.up("--refresh")
        return Consequence(said)

    def protect(self, *, protected: bool) -> None:
        """Have what holds data protected, as outside dev, or not."""
        self.project.edit(lambda sections: sections.update(protect=protected))
        self.project.up("--refresh")

    def pods(self, name: str = NAME) -> list[dict[str, Any]]:
        return self.kubectl.items("pods", "-n", NAMESPACE, "-l", f"cluster-name={name},application=spilo")

    def role(self, role: str, name: str = NAME) -> list[str]:
        """Return the pods of a cluster that Patroni has labelled so: ``master`` or ``replica``."""
        labelled = ((pod["metadata"]["name"], pod["metadata"]["labels"]) for pod in self.pods(name))
        return [pod for pod, labels in labelled if labels.get("spilo-role") == role]

    def get(self, kind: str, name: str, namespace: str = NAMESPACE) -> dict[str, Any]:
        return json.loads(self.kubectl("get", kind, name, "-n", namespace, "-o", "json"))

    def secret(self, name: str) -> dict[str, str] | None:
        """Return what a Secret holds, as it is encoded there; None where there is none."""
        found = self.kubectl.items("secrets", "-n", NAMESPACE, f"--field-selector=metadata.name={name}")
        return found[0]["data"] if found else None

    def primary(self, name: str = NAME) -> str:
        """Return the one pod of a cluster that is labelled as the primary."""
        (primary,) = self.role("master", name)
        return primary

    def settled(self) -> bool:
        """Tell whether one member leads, another is its synchronous standby and all others stream too."""
        instances = self.instances
        if len(primaries := self.role("master")) != 1 or len(self.role("replica")) != instances - 1:
            return False
        members = self.members(primaries[0])
        healthy = [member for member in members if member["State"] in {"running", "streaming"}]
        timelines = {member.get("TL") for member in members}
        caught_up = all(member.get("Lag in MB", 0) == 0 for member in members)
        roles = sorted(member["Role"] for member in members)
        expected = sorted([*ROLES, *[ROLES[1]] * (instances - len(ROLES))])
        return len(healthy) == instances and len(timelines) == 1 and caught_up and roles == expected

    def uids(self) -> dict[str, str]:
        """Return the pods' UIDs by name: a pod that was replaced has another."""
        return {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in self.pods()}

    def state(self, name: str = NAME) -> str:
        """Return what the operator says of a cluster: ``Running`` when all is as declared."""
        return self.get("postgresql", name).get("status", {}).get("PostgresClusterStatus", "")

    def sql(self, pod: str, query: str, *, check: bool = True) -> str:
        """Return what the server in a pod answers to its superuser; without ``check``, nothing while it is away."""
        command = ["psql", "-U", "postgres", "-d", "defaultdb", "-AtXq", "-c", query]
        answer = self.kubectl.run("exec", pod, "-n", NAMESPACE, "-c", "postgres", "--", *command)
        assert not check or answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    def patronictl(self, pod: str, *arguments: str) -> str:
        """Return what Patroni's command line prints in a pod."""
        return self.kubectl("exec", pod, "-n", NAMESPACE, "-c", "postgres", "--", "patronictl", *arguments)

    def configure(self, pod: str, *settings: str) -> None:
        """Set settings of Patroni's by hand, until the operator puts back those that are declared."""
        self.patronictl(pod, "edit-config", "--force", *(f"--set={setting}" for setting in settings))

    def members(self, pod: str) -> list[dict[str, Any]]:
        """Return Patroni's members, as the one in that pod knows them."""
        ask = ["patronictl", "list", "--format", "json"]
        answer = self.kubectl.run("exec", pod, "-n", NAMESPACE, "-c", "postgres", "--", *ask)
        return json.loads(answer.stdout) if answer.returncode == 0 else []


@contextmanager
def started(
    folder: Path,
    patroni: Mapping[str, Any],
    changes: Mapping[str, Any] | None = None,
    *,
    prepare: Callable[[Lab], None] = lambda _: None,
    nodes: int = NODES,
    images: Collection[str] = (),
) -> Generator[Lab]:
    """Start nodes, roll operator and database out, and wait until the operator calls the database Running.

    ``changes`` are settings of PostgreSQL other than dev's. ``prepare`` makes what the database's pods wait for. The
    nodes have ``images`` beside those of a sandbox.
    """
    project = Checkout(folder / "project", "real")

    def database_alone(sections: dict[str, Any]) -> None:
        for section in sections.keys() - _SECTIONS:
            sections[section] = {"enabled": False}
        sections["postgres"].update({"patroni": dict(patroni), **(changes or {})})

    project.edit(database_alone)
    with real_nodes(project.sandbox_folder.cluster, nodes, kinds=[LONGHORN], on_demand=images) as (cluster, toolchain):
        lab = Lab(project, cluster, Kubectl(cluster, toolchain))
        lab.kubectl("taint", "node", CLIENT_NODE, "clients=only:NoSchedule")
        project.prepare(toolchain)
        project.up()
        prepare(lab)
        eventually(lambda: lab.state() == "Running", "the operator calls the database Running", LONG_SECONDS)
        lab.sql(lab.primary(), "create table numbered (client text, number bigint); grant all on numbered to public")
        yield lab
