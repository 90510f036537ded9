"""Everyday changes, each by an edit of the stack file and `up` while clients write, waited for until it has been done.

Each holds what the report of its preview said to what then became of servers and Services.
"""

import json
import shutil
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from delivery.consequences import Consequence
from sandbox import images
from sandbox.toolchain.charts import POSTGRES_OPERATOR_BEFORE, postgres_operator_chart
from tests.faults.postgres.lab import NAME, NAMESPACE, OPERATOR_NAMESPACE, Lab
from tests.faults.postgres.login import psql, secret_name
from tests.integration.sandbox.kubectl import eventually

# A rolling update takes half a minute. One that stalls, which the guide describes, goes on within three minutes.
_DONE_SECONDS = 360
_GIBIBYTE = "Gi"
# The operator's names, and what a server behind each says of being a replica.
POOLERS = {f"{NAME}-pooler": "f", f"{NAME}-pooler-repl": "t"}
POOLER_INSTANCES = 2
OPERATOR_BEFORE = "postgres-operator-before"
_IN_RECOVERY = "select pg_is_in_recovery()"


@dataclass(frozen=True)
class _Running:
    """What runs at one moment."""

    servers: frozenset[tuple[str, str]]
    """UID of each pod of database and operator, and since when a database's server runs."""
    services: frozenset[str]

    @classmethod
    def of(cls, lab: Lab) -> "_Running":
        def servers() -> list[tuple[str, str]]:
            since = "select pg_postmaster_start_time()"
            return [(uid, lab.sql(pod, since, check=False)) for pod, uid in lab.uids().items()]

        eventually(lambda: all(since for _, since in servers()), "every server answers", _DONE_SECONDS)
        operators = {(pod["metadata"]["uid"], "") for pod in lab.kubectl.items("pods", "-n", OPERATOR_NAMESPACE)}
        services = lab.kubectl.items("services", "-n", NAMESPACE)
        return cls(frozenset(servers()) | operators, frozenset(each["metadata"]["name"] for each in services))

    def became(self, after: "_Running") -> Consequence:
        """Return what it means for clients that there is now that."""
        if not self.services <= after.services:
            return Consequence.DOWNTIME
        return Consequence.NONE if self.servers <= after.servers else Consequence.ROLLING


@contextmanager
def rolled_out(lab: Lab, **settings: Any) -> Generator[None]:
    """Roll settings out; the block waits until it has been done. What was said of it must be what happened."""
    before = _Running.of(lab)
    said = lab.edit(**settings)
    yield
    seen = before.became(_Running.of(lab))
    assert said is seen, f"{settings}: the report said {said.value!r}, seen was {seen.value!r}"


def restarting_parameter(lab: Lab) -> None:
    """Change a parameter that a server reads at start only."""
    _set_parameter(lab, "max_connections", str(int(lab.sql(lab.primary(), "show max_connections")) + 10))


def reloaded_parameter(lab: Lab) -> None:
    """Change a parameter that a server takes over while it runs."""
    _set_parameter(lab, "work_mem", "9MB" if lab.sql(lab.primary(), "show work_mem") == "8MB" else "8MB")


def _set_parameter(lab: Lab, name: str, value: str) -> None:
    def everywhere() -> bool:
        return all(lab.sql(pod, f"show {name}", check=False) == value for pod in lab.uids())

    with rolled_out(lab, parameters={**lab.settings.get("parameters", {}), name: value}):
        _until(everywhere, f"every server has {name}")


def other_resources(lab: Lab) -> None:
    """Change what each pod asks for, which replaces all pods."""
    cpu = "200m" if lab.settings.get("resources", {}).get("cpu") != "200m" else "220m"
    _replace_pods(lab, resources={"cpu": cpu, "memory": "512Mi", "cpuLimit": "2"})


def _replace_pods(lab: Lab, **settings: Any) -> None:
    before = lab.uids()

    def are_new() -> bool:
        return len(now := lab.uids()) == lab.instances and now.items().isdisjoint(before.items())

    with rolled_out(lab, **settings):
        _until(are_new, "every pod is new")


def user_and_database(lab: Lab) -> None:
    """Add an application with a login and a database of its own, and take it out of the settings again."""
    name = f"app{uuid.uuid4().hex[:8]}"
    users, databases = {"dbuser": ["superuser", "createdb"]}, {"defaultdb": "dbuser"}
    # A name of ours.
    owned = f"select pg_get_userbyid(datdba) from pg_database where datname = '{name}'"  # noqa: S608

    def is_there() -> bool:
        return lab.sql(lab.primary(), owned, check=False) == name

    with rolled_out(lab, users={**users, name: []}, databases={**databases, name: name}):
        _until(is_there, "the database is there with its owner")
        _until(lambda: lab.secret(secret_name(name)) is not None, "it has a login")
    with rolled_out(lab, users=users, databases=databases):
        _until(lambda: lab.state() == "Running", "the operator is done")
    # What is no longer declared stays: only a person drops data.
    assert is_there()


def larger_volumes(lab: Lab) -> None:
    """Let every volume grow by a gibibyte."""
    volume = lab.settings["volume"]
    size = f"{int(volume['size'].removesuffix(_GIBIBYTE)) + 1}{_GIBIBYTE}"

    def grown() -> bool:
        claims = (lab.get("pvc", f"pgdata-{pod}") for pod in lab.uids())
        return all(claim["status"]["capacity"]["storage"] == size for claim in claims)

    with rolled_out(lab, volume={**volume, "size": size}):
        _until(grown, "every claim has grown")


def more_and_fewer(lab: Lab) -> None:
    """Add two instances, and take them away again."""
    before = lab.instances
    for instances in (before + 2, before):
        with rolled_out(lab, instances=instances):
            _until(lab.settled, f"{instances} members stream")


def operator_back_and_forth(lab: Lab) -> None:
    """Go to the operator's release before this one, and upgrade it again."""
    chart = lab.project.folder / "operator-before.tgz"
    shutil.copy(postgres_operator_chart(publisher=POSTGRES_OPERATOR_BEFORE), chart)
    now = {key: lab.settings[key] for key in ("chart", "operatorVersion", "operatorImage")}
    before = {
        "chart": {"path": str(chart)},
        "operatorVersion": POSTGRES_OPERATOR_BEFORE.version.removeprefix("v"),
        "operatorImage": images.reference(OPERATOR_BEFORE),
    }
    for settings in (before, now):
        uids = lab.uids()
        # Whether what is stored fits a changed CRD isn't in a preview.
        assert lab.edit(**settings) is Consequence.UNKNOWN
        _until(lambda image=str(settings["operatorImage"]): _has_looked(lab, image), "the operator has looked at all")
        _until(lab.settled, "all members stream")
        # What an operator writes into a pod's template changes with its release.
        assert lab.uids() != uids


def _has_looked(lab: Lab, image: str) -> bool:
    """Tell whether the one operator is of this image, and has worked on the database since it started."""
    pods = lab.kubectl.items("pods", "-n", OPERATOR_NAMESPACE)
    if [pod["spec"]["containers"][0]["image"] for pod in pods] != [image]:
        return False
    log = lab.kubectl.run("logs", pods[0]["metadata"]["name"], "-n", OPERATOR_NAMESPACE).stdout
    return "cluster has been synced" in log and lab.state() == "Running"


def pooler_on(lab: Lab) -> None:
    """Put PgBouncer before primary and replicas, and log in through both."""
    pooler = {"maxDbConnections": 20, "resources": {"cpu": "50m", "memory": "64Mi", "cpuLimit": "1"}}
    with rolled_out(lab, pooler=pooler), psql(lab) as client:
        for name, in_recovery in POOLERS.items():
            _until(lambda name=name: _available(lab, name) == POOLER_INSTANCES, f"{name} is there")
            _until(lambda name=name, is_=in_recovery: client.answer(name, _IN_RECOVERY) == is_, f"a login by {name}")


def certificate(lab: Lab, secret: str) -> None:
    """Have database and pooler show the certificate of a Secret, which replaces all pods."""
    _replace_pods(lab, tls={"secret": secret})
    for name in POOLERS:
        _until(lambda name=name: secret in _template(lab, name), f"the operator has told {name}")
        lab.kubectl("rollout", "status", f"deployment/{name}", "-n", NAMESPACE, f"--timeout={_DONE_SECONDS}s")


def _template(lab: Lab, pooler: str) -> str:
    return json.dumps(lab.get("deployment", pooler)["spec"]["template"]["spec"])


def pooler_off(lab: Lab) -> None:
    """Take the pooler away; clients of its own are to have gone before."""

    def gone() -> bool:
        return not lab.kubectl.items("deployments,services", "-n", NAMESPACE, "-l", "application=db-connection-pooler")

    with rolled_out(lab, pooler=None):
        _until(gone, "no Deployment and no Service of it is left")


def _available(lab: Lab, name: str) -> int:
    found = lab.kubectl.items("deployments", "-n", NAMESPACE)
    return sum(each["status"].get("availableReplicas", 0) for each in found if each["metadata"]["name"] == name)


def _until(condition: Callable[[], bool], what: str) -> None:
    eventually(condition, what, _DONE_SECONDS)
