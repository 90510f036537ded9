"""Logins while the operator changes what they go by: pooler, certificate, password. The tests build on one another."""

import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.faults.postgres import measure
from tests.faults.postgres.__main__ import run
from tests.faults.postgres.certificates import HOSTS, SECRET, Authority
from tests.faults.postgres.changes import POOLERS, certificate
from tests.faults.postgres.faults import FAULTS, switch_over
from tests.faults.postgres.lab import NAME, NAMESPACE, OPERATOR_NAMESPACE, Lab
from tests.faults.postgres.login import Psql, credentials, psql, secret_name
from tests.integration.sandbox.kubectl import eventually

Note = Callable[[str, object], None]

# The kubelet brings a changed Secret within a minute and a half, and the servers look every five seconds.
_RENEWED_SECONDS = 150
_LOOK_SECONDS = 90
_REPORTER = "reporter"
# A switchover as the guide gives it, and what a busy machine and the pooler's next try add.
_SWITCHOVER_SECONDS = 15.0


@pytest.fixture(scope="module")
def client(lab: Lab) -> Iterator[Psql]:
    with psql(lab) as client:
        yield client


@pytest.fixture(scope="module")
def authority(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Authority:
    authority = Authority(tmp_path_factory.mktemp("tls") / "authority")
    lab.kubectl.apply(authority.secret())
    return authority


def test_the_pooler_comes_without_a_lost_row_and_lets_logins_through(lab: Lab, record_property: Note) -> None:
    result = run(lab, FAULTS["pooler-on"], 0)
    record_property("seconds", f"{result.outage:6.1f} s  without a row of PostgreSQL's client: the pooler comes")
    assert (result.lost, result.dual) == (0, 0)


@pytest.mark.parametrize("parameters", [{"sslmode": "disable"}, {"user": "postgres"}])
def test_without_tls_or_with_anothers_name_nobody_comes_through_the_pooler(
    client: Psql, parameters: dict[str, str]
) -> None:
    refused = client.query(next(iter(POOLERS)), "select 1", parameters)
    assert refused.returncode != 0
    assert "FATAL" in refused.stderr


def test_a_client_of_the_pooler_writes_again_after_a_switchover(lab: Lab, record_property: Note) -> None:
    eventually(lab.settled, "all members stream from one primary", measure.RECOVERY)
    result = measure.measured(lab, "by-the-pooler", switch_over, service=next(iter(POOLERS)))
    record_property("seconds", f"{result.outage:6.1f} s  without a row of a client of the pooler: switchover")
    assert result.lost == 0
    assert result.outage < _SWITCHOVER_SECONDS


def test_clients_that_check_the_certificate_come_in_by_the_exported_names(
    lab: Lab, client: Psql, authority: Authority, record_property: Note
) -> None:
    result = measure.measured(lab, "certificate", lambda lab: certificate(lab, SECRET))
    record_property("seconds", f"{result.outage:6.1f} s  without a row of PostgreSQL's client: a certificate of ours")
    assert result.lost == 0
    without = {host: client.query(host, "select 1", {"sslmode": "verify-full"}) for host in HOSTS}
    assert all("root certificate file" in refused.stderr for refused in without.values()), without
    checking = client.trust(authority.certificate)
    for host in HOSTS:
        # Connections go on to a pod for a moment after it has ended.
        eventually(lambda host=host: client.answer(host, "select 1", checking) == "1", f"a login by {host}")
    # A name that isn't exported is not in the certificate.
    assert "does not match host name" in client.query(NAME, "select 1", checking).stderr


def test_the_certificate_of_another_authority_is_refused(client: Psql, tmp_path: Path) -> None:
    other = client.trust(Authority(tmp_path / "other").certificate)
    assert all("certificate verify failed" in client.query(host, "select 1", other).stderr for host in HOSTS)


def test_a_renewed_certificate_is_taken_over_without_a_restart(
    lab: Lab, client: Psql, authority: Authority, record_property: Note
) -> None:
    before, started = _containers(lab), time.monotonic()
    lab.kubectl.apply(authority.secret())
    for host in HOSTS:
        eventually(lambda host=host: client.serial(host) == authority.serial(), f"{host} has it", _RENEWED_SECONDS)
    record_property("seconds", f"{time.monotonic() - started:6.1f} s  until all show PostgreSQL's renewed certificate")
    assert _containers(lab) == before
    checking = client.trust(authority.certificate)
    assert {host: client.answer(host, "select 1", checking) for host in HOSTS} == dict.fromkeys(HOSTS, "1")


def test_passwords_that_the_operator_changes_keep_nobody_out_who_reads_the_secrets(
    lab: Lab, client: Psql, record_property: Note
) -> None:
    # One changed in place, and one by another login, which an owner of a database can't be.
    users = {"dbuser": ["superuser", "createdb"], _REPORTER: []}
    lab.edit(users=users, passwordRotation={"inPlaceUsers": ["dbuser"], "users": [_REPORTER]})
    eventually(lambda: "nextRotation" in (lab.secret(secret_name("dbuser")) or {}), "a date", _LOOK_SECONDS)

    def reporter_is_in() -> bool:
        return lab.secret(secret_name(_REPORTER)) is not None and (
            client.query(NAME, "select 1", login=credentials(lab, _REPORTER)).returncode == 0
        )

    eventually(reporter_is_in, "a login of the new user", _LOOK_SECONDS)
    old, earlier = credentials(lab), credentials(lab, _REPORTER)
    due = {"stringData": {"nextRotation": "2020-01-01T00:00:00Z"}}
    for secret in map(secret_name, users):
        lab.kubectl("patch", "secret", secret, "-n", NAMESPACE, "--type=merge", "--patch-file=/dev/stdin", stdin=due)
    # At its start it looks at once.
    lab.kubectl("rollout", "restart", "deployment/postgres-operator", "-n", OPERATOR_NAMESPACE)
    logins = [time.monotonic()]

    def in_with_another() -> bool:
        login = credentials(lab)
        if client.query(NAME, "select 1", login=login).returncode == 0:
            logins.append(time.monotonic())
            return login != old
        return False

    eventually(in_with_another, "a login with another password", _LOOK_SECONDS)
    outage = max(later - earlier for earlier, later in pairwise(logins))
    record_property("seconds", f"{outage:6.1f} s  between two logins while the operator changed the password")
    assert outage < _SWITCHOVER_SECONDS
    for host in (NAME, next(iter(POOLERS))):
        assert client.answer(host, "select 1") == "1"
        assert "authentication failed" in client.query(host, "select 1", login=old).stderr

    def as_reporter(login: tuple[str, str]) -> str:
        return client.query(NAME, f"select pg_has_role('{_REPORTER}', 'member')", login=login).stdout.strip()

    def in_as_another() -> bool:
        login = credentials(lab, _REPORTER)
        return login != earlier and as_reporter(login) == "t"

    eventually(in_as_another, "another login of the other user, a member of it", _LOOK_SECONDS)
    assert credentials(lab, _REPORTER)[0] == f"{_REPORTER}{time.strftime('%y%m%d', time.gmtime())}"
    assert as_reporter(earlier) == "t"


def test_the_pooler_goes_without_a_lost_row(lab: Lab) -> None:
    result = run(lab, FAULTS["pooler-off"], 0)
    assert (result.lost, result.dual) == (0, 0)


def _containers(lab: Lab) -> dict[str, tuple[str, int]]:
    """Return each pod's UID and restarts by its name."""
    pods = lab.kubectl.items("pods", "-n", NAMESPACE, "-l", f"cluster-name={NAME}")
    return {
        pod["metadata"]["name"]: (
            pod["metadata"]["uid"],
            sum(status["restartCount"] for status in pod["status"]["containerStatuses"]),
        )
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
    }
