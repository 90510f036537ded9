"""The database as the program declares it, under the real operator from its chart, in pods on real nodes."""

import json
import subprocess
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.cluster import Cluster
from sandbox.toolchain import Toolchain
from sandbox.toolchain.charts import postgres_operator_chart
from tests.faults.real_nodes import real_nodes
from tests.integration.sandbox.kubectl import Kubectl, eventually, longhorn_class
from tests.unit.declared import Declared, declare, stack_file

NAMESPACE, NAME = "postgres", "pgsql-cluster"
OPERATOR_NAMESPACE = "postgres-operator"
# Three for the database, and one that no fault touches, for its clients.
NODES = 4
CLIENT_NODE = "node-3"
INSTANCES = 3
ROLES = ["Leader", "Replica", "Sync Standby"]
# Three volumes and servers made one after the other, on a busy machine.
LONG_SECONDS = 240


def prod_patroni() -> dict[str, Any]:
    """Return how prod has Patroni."""
    return dict(stack_file("prod")["postgres"]["patroni"])


def declared(patroni: Mapping[str, Any], changes: Mapping[str, Any] | None = None) -> Declared:
    """Return what the program declares for the database alone, with these settings of Patroni and these others."""
    dev = stack_file("dev")
    sections = {
        **{section: {"enabled": False} for section in dev if section not in {"protect", "cluster", "preflight"}},
        "cluster": dev["cluster"],
        "protect": "false",
        "postgres": {
            **dev["postgres"],
            "volume": {"storageClass": "longhorn"},
            "patroni": dict(patroni),
            **(changes or {}),
        },
    }
    return declare(sections)


@dataclass(frozen=True)
class Lab:
    """A cluster of real nodes in which the database runs."""

    cluster: Cluster
    kubectl: Kubectl
    patroni: Mapping[str, Any]
    changes: dict[str, Any] = field(default_factory=dict[str, Any])
    """Settings of PostgreSQL that were edited, by name."""

    def edit(self, **changes: Any) -> None:
        """Edit settings as in a stack file, and have the cluster get the ``postgresql`` that they come to."""
        self.changes.update(changes)
        databases = declared(self.patroni, self.changes).of_type("kubernetes:acid.zalan.do/v1:postgresql")
        self.kubectl.apply(*(dict(database.inputs) for database in databases))

    def pods(self, name: str = NAME) -> list[dict[str, Any]]:
        return self.kubectl.items("pods", "-n", NAMESPACE, "-l", f"cluster-name={name},application=spilo")

    def role(self, role: str, name: str = NAME) -> list[str]:
        """Return the pods of a cluster that Patroni has labelled so: ``master`` or ``replica``."""
        labelled = ((pod["metadata"]["name"], pod["metadata"]["labels"]) for pod in self.pods(name))
        return [pod for pod, labels in labelled if labels.get("spilo-role") == role]

    def get(self, kind: str, name: str, namespace: str = NAMESPACE) -> dict[str, Any]:
        return json.loads(self.kubectl("get", kind, name, "-n", namespace, "-o", "json"))

    def primary(self, name: str = NAME) -> str:
        """Return the one pod of a cluster that is labelled as the primary."""
        (primary,) = self.role("master", name)
        return primary

    def settled(self) -> bool:
        """Tell whether one member leads, another is its synchronous standby and the third one streams too."""
        if len(primaries := self.role("master")) != 1 or len(self.role("replica")) != INSTANCES - 1:
            return False
        members = self.members(primaries[0])
        healthy = [member for member in members if member["State"] in {"running", "streaming"}]
        timelines = {member.get("TL") for member in members}
        caught_up = all(member.get("Lag in MB", 0) == 0 for member in members)
        roles = sorted(member["Role"] for member in members)
        return len(healthy) == INSTANCES and len(timelines) == 1 and caught_up and roles == ROLES

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
    prepare: Callable[[Lab], None] = lambda _: None,
) -> Generator[Lab]:
    """Start nodes, operator and database, and wait until the operator calls the database Running.

    ``prepare`` makes what the database needs of others, as soon as its Namespace is there.
    """
    with real_nodes(folder, NODES) as (cluster, toolchain):
        lab = Lab(cluster, Kubectl(cluster, toolchain), patroni, dict(changes or {}))
        lab.kubectl("taint", "node", CLIENT_NODE, "clients=only:NoSchedule")
        _roll_out(lab, toolchain, declared(patroni, lab.changes), prepare)
        eventually(lambda: lab.state() == "Running", "the operator calls the database Running", LONG_SECONDS)
        lab.sql(lab.primary(), "create table numbered (client text, number bigint); grant all on numbered to public")
        yield lab


def _roll_out(lab: Lab, toolchain: Toolchain, program: Declared, prepare: Callable[[Lab], None]) -> None:
    objects = [dict(resource.inputs) for resource in program.objects()]
    lab.kubectl.apply(longhorn_class(), *(each for each in objects if each["kind"] == "Namespace"))
    prepare(lab)
    (chart,) = program.of_type("kubernetes:helm.sh/v4:Chart")
    _install(lab.cluster, toolchain, chart.inputs["values"])
    lab.kubectl.apply(*(each for each in objects if each["kind"] != "Namespace"))


def _install(cluster: Cluster, toolchain: Toolchain, values: Mapping[str, Any]) -> None:
    """Install the chart with the program's values; its CRDs are there."""
    command = [str(toolchain.path("helm")), "install", "postgres-operator", str(postgres_operator_chart())]
    command += [f"--namespace={OPERATOR_NAMESPACE}", "--skip-crds", "--values=-", f"--kubeconfig={cluster.kubeconfig}"]
    subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=True)
