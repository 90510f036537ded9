"""Everyday changes, each as the edit of a setting while clients write, waited for until it has been done."""

import json
import uuid
from collections.abc import Callable

from tests.faults.postgres.lab import INSTANCES, NAME, NAMESPACE, Lab
from tests.faults.postgres.login import psql
from tests.integration.sandbox.kubectl import eventually

# A rolling update takes half a minute. One that stalls, which the guide describes, goes on within three minutes.
_DONE_SECONDS = 360
_GIBIBYTE = "Gi"
# The operator's names, and what a server behind each says of being a replica.
POOLERS = {f"{NAME}-pooler": "f", f"{NAME}-pooler-repl": "t"}
POOLER_INSTANCES = 2
_IN_RECOVERY = "select pg_is_in_recovery()"


def restarting_parameter(lab: Lab) -> None:
    """Change a parameter that a server reads at start only."""
    wanted = str(int(lab.sql(lab.primary(), "show max_connections")) + 10)
    lab.edit(parameters={"max_connections": wanted})

    def everywhere() -> bool:
        return all(lab.sql(pod, "show max_connections", check=False) == wanted for pod in lab.uids())

    _until(everywhere, "every server has it")


def other_resources(lab: Lab) -> None:
    """Change what each pod asks for, which replaces all pods."""
    before = lab.uids()
    cpu = "200m" if lab.changes.get("resources", {}).get("cpu") != "200m" else "220m"
    lab.edit(resources={"cpu": cpu, "memory": "512Mi", "cpuLimit": "2"})
    _until(lambda: len(now := lab.uids()) == INSTANCES and now.items().isdisjoint(before.items()), "every pod is new")


def user_and_database(lab: Lab) -> None:
    """Add an application with a login and a database of its own."""
    name = f"app{uuid.uuid4().hex[:8]}"
    users = {"dbuser": ["superuser", "createdb"], **lab.changes.get("users", {}), name: []}
    databases = {"defaultdb": "dbuser", **lab.changes.get("databases", {}), name: name}
    lab.edit(users=users, databases=databases)
    query = f"select pg_get_userbyid(datdba) from pg_database where datname = '{name}'"  # noqa: S608 - a name of ours
    _until(lambda: lab.sql(lab.primary(), query, check=False) == name, "the database is there with its owner")


def larger_volumes(lab: Lab) -> None:
    """Let every volume grow by a gibibyte."""
    size = int(lab.changes.get("volume", {"size": "1Gi"})["size"].removesuffix(_GIBIBYTE)) + 1
    lab.edit(volume={"size": f"{size}{_GIBIBYTE}", "storageClass": "longhorn"})

    def grown() -> bool:
        claims = (lab.get("pvc", f"pgdata-{pod}") for pod in lab.uids())
        return all(claim["status"]["capacity"]["storage"] == f"{size}{_GIBIBYTE}" for claim in claims)

    _until(grown, "every claim has grown")


def fewer_and_more(lab: Lab) -> None:
    """Take one instance away and give it back."""
    for instances in (INSTANCES - 1, INSTANCES):
        lab.edit(instances=instances)
        _until(lambda wanted=instances: len(lab.uids()) == wanted, f"{instances} pods")
    lab.kubectl("wait", "pods", "-n", NAMESPACE, "-l", "application=spilo", "--for=condition=Ready", "--timeout=120s")


def pooler_on(lab: Lab) -> None:
    """Put PgBouncer before primary and replicas, and log in through both."""
    lab.edit(pooler={"maxDbConnections": 20, "resources": {"cpu": "50m", "memory": "64Mi", "cpuLimit": "1"}})
    with psql(lab) as client:
        for name, in_recovery in POOLERS.items():
            _until(lambda name=name: _available(lab, name) == POOLER_INSTANCES, f"{name} is there")
            _until(lambda name=name, is_=in_recovery: client.answer(name, _IN_RECOVERY) == is_, f"a login by {name}")


def certificate(lab: Lab, secret: str) -> None:
    """Have database and pooler show the certificate of a Secret, which replaces all pods."""
    before = lab.uids()
    lab.edit(tls={"secret": secret})
    _until(lambda: len(now := lab.uids()) == INSTANCES and now.items().isdisjoint(before.items()), "every pod is new")
    for name in POOLERS:
        _until(lambda name=name: secret in _template(lab, name), f"the operator has told {name}")
        lab.kubectl("rollout", "status", f"deployment/{name}", "-n", NAMESPACE, f"--timeout={_DONE_SECONDS}s")


def _template(lab: Lab, pooler: str) -> str:
    return json.dumps(lab.get("deployment", pooler)["spec"]["template"]["spec"])


def pooler_off(lab: Lab) -> None:
    """Take the pooler away; clients of its own are to have gone before."""
    lab.edit(pooler=None)
    _until(lambda: not lab.kubectl.items("deployments", "-n", NAMESPACE), "no Deployment is left")


def _available(lab: Lab, name: str) -> int:
    found = lab.kubectl.items("deployments", "-n", NAMESPACE)
    return sum(each["status"].get("availableReplicas", 0) for each in found if each["metadata"]["name"] == name)


def _until(condition: Callable[[], bool], what: str) -> None:
    eventually(condition, what, _DONE_SECONDS)
