"""Rows that were deleted by mistake come back: the runbook's way, from a real archive, under the real operator."""

import json
import re
import subprocess
import textwrap
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from sandbox import images
from sandbox.cluster import real
from sandbox.toolchain import Toolchain
from tests.faults.postgres.faults import switch_over
from tests.faults.postgres.lab import LONG_SECONDS, NAME, NAMESPACE, Lab, prod_patroni, started
from tests.faults.postgres.object_storage import LOGICAL_BACKUP, STORAGE, WAL_BACKUP, prepare
from tests.integration.sandbox.kubectl import eventually
from tests.unit.declared import ROOT

Note = Callable[[str, object], None]

RUNBOOK = (ROOT / "docs/runbooks/postgres-restore.md").read_text()
COPY = "pgsql-before"
# The lab's schedule has one base backup a minute.
BACKUP_SECONDS = 120
ARCHIVED_SECONDS = 90
CONTENT = "select count(*), md5(string_agg(number || text, ',' order by number)) from orders"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if lack := real.missing():
        pytest.skip(lack)
    folder = tmp_path_factory.mktemp("real")
    changes = {"instances": 2, "walBackup": WAL_BACKUP, "logicalBackup": LOGICAL_BACKUP}
    with started(folder, prod_patroni(), changes, prepare=prepare) as lab:
        yield lab


def blocks(language: str) -> list[str]:
    return [textwrap.dedent(each) for each in re.findall(rf"```{language}\n(.*?)```", RUNBOOK, re.DOTALL)]


@pytest.fixture(scope="module")
def step(lab: Lab, toolchain: Toolchain) -> Callable[[int], str]:
    """What runs the commands of one block of the runbook as they stand there, and returns what they print."""
    kubectl = f"{toolchain.path('kubectl')} --kubeconfig={lab.cluster.kubeconfig}"

    def run(number: int) -> str:
        command = f'kubectl() {{ {kubectl} "$@"; }}\n{blocks("sh")[number]}'
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def base_backups(lab: Lab) -> list[dict[str, Any]]:
    """Return what the archive has, as the primary sees it."""
    ask = ["pgbackrest", "info", "--output=json"]
    answer = lab.kubectl("exec", lab.primary(), "-n", NAMESPACE, "-c", "postgres", "--", *ask)
    return [backup for stanza in json.loads(answer) for backup in stanza["backup"]]


def another_leads(lab: Lab) -> None:
    """Move the primary's role, so that the archive goes on from another server, on another timeline."""
    switch_over(lab)
    eventually(lambda: lab.sql(lab.primary(), "select not pg_is_in_recovery()", check=False) == "t", "it takes writes")


def now(lab: Lab) -> str:
    """Return the server's moment, as settings have it."""
    return lab.sql(
        lab.primary(), "select to_char(now() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') || '+00:00'"
    )


def archived(lab: Lab, segment: str) -> None:
    """Wait until the archive has a segment."""
    ask = "select coalesce(last_archived_wal, '') from pg_stat_archiver"
    eventually(lambda: lab.sql(lab.primary(), ask) >= segment, "the WAL is in the archive", ARCHIVED_SECONDS)


def test_rows_deleted_by_mistake_come_back_as_the_runbook_says(
    lab: Lab, step: Callable[[int], str], record_property: Note
) -> None:
    def sql(query: str) -> str:
        return lab.sql(lab.primary(), query)

    def write(first: int, last: int) -> None:
        numbers = f"generate_series({first}, {last}) number"
        sql(f"insert into orders select number, 'order ' || number from {numbers}")  # noqa: S608 - numbers of ours

    eventually(lambda: len(base_backups(lab)) > 0, "a new archive gets its first base backup", BACKUP_SECONDS)
    sql("create table orders (number int primary key, text text)")
    write(1, 1000)
    before = len(base_backups(lab))
    eventually(lambda: len(base_backups(lab)) > before, "the schedule's next base backup", BACKUP_SECONDS)
    another_leads(lab)
    write(1001, 2000)
    content = sql(CONTENT)
    moment = now(lab)
    sql("delete from orders where number % 2 = 0")

    archived(lab, step(0).splitlines()[0])
    (settings,) = (yaml.safe_load(block) for block in blocks("yaml") if "copies" in block)
    assert list(settings["platform:postgres"]["copies"]) == [COPY]
    began = time.monotonic()
    lab.edit(copies={COPY: {"timestamp": moment}})
    step(1)
    record_property("seconds", f"{time.monotonic() - began:6.1f} s  until a copy of the moment before runs")
    assert lab.sql(lab.primary(COPY), CONTENT) == content
    assert step(2).strip() == "2000"
    assert sql("select count(*) from orders") == "1000"
    step(3)
    assert sql(CONTENT) == content

    lab.kubectl("delete", "postgresql", COPY, "-n", NAMESPACE)
    step(4)
    assert lab.state() == "Running"


# Starts an empty server in the database's image, and fills it from the dump at an address.
RESTORE = f"""
import gzip, subprocess, sys, urllib.request
dump = gzip.decompress(urllib.request.urlopen(sys.argv[1]).read())
subprocess.run(["initdb", "-D", "/tmp/restored", "-U", "postgres"], check=True)
subprocess.run(["pg_ctl", "-D", "/tmp/restored", "-o", "-k /tmp -h ''", "-l", "/tmp/log", "-w", "start"], check=True)
psql = ["psql", "-h", "/tmp", "-U", "postgres", "-XqAt"]
subprocess.run(psql, input=dump, check=True)
subprocess.run([*psql, "-d", "defaultdb", "-c", {CONTENT!r}], check=True)
"""


def test_a_dump_in_object_storage_fills_an_empty_server(lab: Lab, record_property: Note) -> None:
    lab.sql(lab.primary(), "create table if not exists orders (number int primary key, text text)")
    lab.sql(lab.primary(), "insert into orders values (-1, 'of the dump')")
    content = lab.sql(lab.primary(), CONTENT)
    # A replica that has only just come may lag, and it is the one that is dumped.
    (replica,) = lab.role("replica")
    eventually(lambda: lab.sql(replica, CONTENT, check=False) == content, "the replica has it", LONG_SECONDS)
    began = time.monotonic()
    lab.kubectl("create", "job", "dump", "-n", NAMESPACE, f"--from=cronjob/logical-backup-{NAME}")
    lab.kubectl("wait", "job/dump", "-n", NAMESPACE, "--for=condition=Complete", f"--timeout={LONG_SECONDS}s")
    record_property("seconds", f"{time.monotonic() - began:6.1f} s  until a dump is in object storage")
    said = lab.kubectl("logs", "job/dump", "-n", NAMESPACE)
    stored = re.search(r"stored s3://(\S+), dumped from (\S+)", said)
    assert stored, said
    assert stored[2] == lab.get("pod", replica)["status"]["podIP"]

    empty = {"name": "empty", "image": images.reference("postgres"), "command": ["sleep", "infinity"]}
    lab.kubectl.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "empty", "namespace": STORAGE},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": [empty]},
        }
    )
    lab.kubectl("wait", "pod/empty", "-n", STORAGE, "--for=condition=Ready", f"--timeout={LONG_SECONDS}s")
    address = f"{LOGICAL_BACKUP['endpoint']}/{stored[1]}"
    restored = lab.kubectl("exec", "empty", "-n", STORAGE, "--", "python3", "-c", RESTORE, address)
    assert restored.splitlines()[-1] == content


def test_a_lost_database_is_made_anew_out_of_its_archive(
    lab: Lab, step: Callable[[int], str], record_property: Note
) -> None:
    content, moment = lab.sql(lab.primary(), CONTENT), now(lab)
    lab.sql(lab.primary(), "insert into orders values (0, 'the commit after which the moment is known to be over')")
    archived(lab, step(0).splitlines()[0])
    step(5)
    assert not lab.kubectl.items("pvc,endpoints,pods", "-n", NAMESPACE, "-l", f"application=spilo,cluster-name={NAME}")

    began = time.monotonic()
    path = f"{WAL_BACKUP['prefix']}/spilo/{NAME}/wal/15"
    clone = {"cluster": NAME, "timestamp": moment, "path": path}
    lab.edit(copies={}, walBackup={**WAL_BACKUP, "prefix": "after"}, clone=clone)
    eventually(lambda: lab.state() == "Running", "the operator calls the database Running", LONG_SECONDS)
    record_property("seconds", f"{time.monotonic() - began:6.1f} s  until a lost database of two instances runs again")
    assert lab.sql(lab.primary(), CONTENT) == content
    eventually(lambda: len(base_backups(lab)) > 0, "the new archive gets its first base backup", BACKUP_SECONDS)


def test_what_is_protected_goes_only_once_it_is_unprotected_and_leaves_no_volume(
    lab: Lab, record_property: Note
) -> None:
    lab.protect(protected=True)
    pods, content = lab.uids(), lab.sql(lab.primary(), CONTENT)
    declared = _objects(lab)
    refused = lab.project.pulumi("destroy", "--yes", "--skip-preview", check=False)
    assert refused.returncode != 0
    assert 'platform:protection:Protection::protection" cannot be deleted' in refused.stdout + refused.stderr
    # Not only the data: the operator, and the rights by which the database takes writes.
    assert _objects(lab) == declared
    lab.project.pulumi("preview", "--refresh", "--expect-no-changes")
    assert (lab.uids(), lab.sql(lab.primary(), CONTENT)) == (pods, content)
    lab.sql(lab.primary(), "insert into orders values (-3, 'after the refusal')")

    lab.protect(protected=False)

    began = time.monotonic()
    lab.project.pulumi("destroy", "--yes", "--skip-preview")
    record_property("seconds", f"{time.monotonic() - began:6.1f} s  until a database of two instances is destroyed")
    eventually(lambda: not lab.kubectl.items("pv"), "no volume is left")


def _objects(lab: Lab) -> list[str]:
    """Return the URNs of what the state has of the cluster."""
    deployment = json.loads(lab.project.pulumi("stack", "export").stdout)["deployment"]
    return [resource["urn"] for resource in deployment["resources"] if resource["type"].startswith("kubernetes:")]
