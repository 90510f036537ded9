"""PostgreSQL as an application in another namespace uses it: by the exported host, database, user and Secret."""

import base64
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Platform, idle_pod

NAMESPACE, NAME = "postgres", "pgsql-cluster"
# After the first instance answers, two more are filled from it one by one.
RUNNING_SECONDS = 180


class Application:
    """psql in a pod of another namespace, with what the stack exports of a cluster."""

    def __init__(self, platform: Platform, connection: dict[str, Any]) -> None:
        self._platform = platform
        self.connection = connection
        where = self.connection["credentialsSecret"]
        secret = platform.get("secret", where["name"], where["namespace"])["data"]
        self._login = {key: base64.b64decode(secret[where[f"{key}Key"]]).decode() for key in ("username", "password")}

    def query(self, host: str, sql: str, **connection: str) -> subprocess.CompletedProcess[str]:
        """Ask a host; ``connection`` are parameters of libpq that differ from what is exported."""
        parameters = {
            "host": host,
            "port": str(self.connection["port"]),
            "dbname": self.connection["database"],
            "user": self._login["username"],
            "sslmode": "require",
            "connect_timeout": "5",
            **connection,
        }
        # The password goes in by a variable: as an argument it would stand in the process list.
        script = 'read -r PGPASSWORD; export PGPASSWORD; exec psql -AtXq -d "$1" -c "$2"'
        where = " ".join(f"{key}={value}" for key, value in parameters.items())
        password = self._login["password"]
        return self._platform.exec("client", "psql", "sh", "-c", script, "sh", where, sql, stdin=f"{password}\n")

    def answer(self, host: str, sql: str) -> str:
        return self.query(host, sql).stdout.strip()


@pytest.fixture(scope="module")
def application(platform: Platform) -> Iterator[Application]:
    platform.apply(idle_pod("psql", "postgres", 101, {"platform/postgres-client": "true"}))
    platform.kubectl("wait", "-n", "client", "pod/psql", "--for=condition=Ready", "--timeout=60s")
    yield Application(platform, platform.outputs["postgres"])
    platform.kubectl("delete", "pod", "psql", "-n", "client", "--wait=false")


def test_the_operator_calls_the_database_running_on_three_nodes(platform: Platform) -> None:
    def running() -> bool:
        return platform.get("postgresql", NAME, NAMESPACE).get("status", {}).get("PostgresClusterStatus") == "Running"

    platform.eventually(running, "the database is Running", RUNNING_SECONDS)

    def pods() -> list[dict[str, Any]]:
        return platform.pods(NAMESPACE, f"cluster-name={NAME},application=spilo")

    def roles() -> list[str]:
        return sorted(pod["metadata"]["labels"].get("spilo-role", "none yet") for pod in pods())

    platform.eventually(lambda: roles() == ["master", "replica", "replica"], "a primary and two replicas")
    assert len({pod["spec"]["nodeName"] for pod in pods()}) == 3


def test_a_login_with_what_is_exported_reaches_the_primary_and_a_replica(application: Application) -> None:
    whom = "select current_user, current_database(), pg_is_in_recovery(), ssl from pg_stat_ssl"
    whom += " where pid = pg_backend_pid()"
    assert application.answer(application.connection["host"], whom) == "dbuser|defaultdb|f|t"
    assert application.answer(application.connection["replicaHost"], whom) == "dbuser|defaultdb|t|t"


def test_a_row_written_on_the_primary_is_read_on_a_replica(platform: Platform, application: Application) -> None:
    table, value = f"t{uuid.uuid4().hex}", str(uuid.uuid4())
    host, replica = application.connection["host"], application.connection["replicaHost"]
    made = application.query(host, f"create table {table} as select '{value}' as value")
    assert made.returncode == 0, made.stderr
    read = f"table {table}"
    platform.eventually(lambda: application.answer(replica, read) == value, "the row on a replica", 10)
    application.query(host, f"drop table {table}")


@pytest.mark.parametrize("connection", [{"sslmode": "disable"}, {"user": "postgres"}])
def test_without_tls_or_with_anothers_name_nobody_comes_in(
    application: Application, connection: dict[str, str]
) -> None:
    refused = application.query(application.connection["host"], "select 1", **connection)
    assert refused.returncode != 0
    assert "FATAL" in refused.stderr


def test_a_further_cluster_comes_and_goes_beside_the_main_one_and_each_has_logins_of_its_own(
    platform: Platform, application: Application, seconds: Callable[[str, float], None]
) -> None:
    shop = {"version": "15", "instances": 1, "users": {"shop_app": []}, "databases": {"orders": "shop_app"}}
    platform.edit(lambda sections: sections["postgres"].update(clusters={"shop": shop}))
    before = uids(platform)
    steps = {(step.op, step.name) for step in platform.preview()}
    # Of the main cluster only the policy, which leaves the new one's pods to the new one's.
    assert steps == {("create", "clusters.shop"), ("update", NAME)}
    started = time.monotonic()
    platform.up()

    exported = platform.outputs["postgres"]["clusters"]["shop"]
    where = exported["credentialsSecret"]
    platform.eventually(lambda: platform.exists("secret", where["name"], where["namespace"]), "a Secret")
    theirs = Application(platform, exported)
    whom = "select current_user, current_database(), pg_is_in_recovery()"
    platform.eventually(
        lambda: theirs.answer(exported["host"], whom) == "shop_app|orders|f", "a login", RUNNING_SECONDS
    )
    seconds("a further PostgreSQL cluster, from `up` to its first login", time.monotonic() - started)
    for one, other in ((theirs, application), (application, theirs)):
        refused = one.query(other.connection["host"], "select 1", dbname=other.connection["database"])
        assert "FATAL" in refused.stderr
    assert uids(platform) == before

    platform.restore()
    platform.up()
    platform.eventually(lambda: not platform.pods(NAMESPACE, "cluster-name=shop"), "its pod is gone")
    assert uids(platform) == before


def uids(platform: Platform) -> set[str]:
    return {pod["metadata"]["uid"] for pod in platform.pods(NAMESPACE, f"cluster-name={NAME}")}
