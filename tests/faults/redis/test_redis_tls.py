"""Encrypted connections between all parts, with a certificate for the pods' names."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.redis.component import FAILOVER_SCRIPTS
from components.redis.pods import failover_spec
from components.redis.settings import RedisSettings, RedisTlsSettings
from tests.faults.redis.measure import Result, Trial
from tests.faults.redis.network import Host
from tests.faults.redis.pods import DOMAIN, ROOT, Pod, eventually
from tests.faults.redis.stateful_set import StatefulSet

METRICS = "http://127.0.0.1:9121/metrics"
# What our controller asks, by its own code; it refuses a certificate that isn't for the name that it connects to.
CONTROLLER = """
import asyncio, sys
from pathlib import Path
from controllers.redis.members import Members, agreed

async def main(password_file, authority, *hosts):
    members = Members(Path(password_file), Path(authority))
    primary = agreed(await members.views(hosts), len(hosts))
    server = await members.server(primary)
    print(primary, server.is_primary, server.replicas, await members.require(primary, 1))
    await members.close()

asyncio.run(main(*sys.argv[1:]))
"""


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority of our own and what it signed."""
    folder = tmp_path_factory.mktemp("tls")
    # Strict checkers want to know what a certificate is for.
    authority = ["-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=authority", "-addext", "keyUsage=keyCertSign"]
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *authority)
    request = ["-keyout", "tls.key", "-out", "tls.csr", "-subj", "/CN=redis"]
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", *request)
    (folder / "names").write_text(f"subjectAltName=DNS:*.{DOMAIN},DNS:localhost\n")
    signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names"]
    openssl(folder, "x509", "-req", "-in", "tls.csr", "-out", "tls.crt", *signed)
    return folder


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[StatefulSet]:
    if os.getuid() != 0:
        pytest.skip("network namespaces need root")
    with StatefulSet(tmp_path_factory.mktemp("encrypted") / "redis", tls=certificates) as pods:
        pods.start()
        eventually(pods.settled, 60, "all pods are ready and known to every Sentinel")
        pods.mark_lived()
        yield pods


def run_on(host: Host, *command: str, environment: dict[str, str] | None = None, folder: Path) -> str:
    """Return what a program on this host printed."""
    log = folder / "output"
    started = host.start(command, environment=environment or {}, log=log)
    assert started.wait(20) == 0, log.read_text()
    return log.read_text()


def host_of(pod: Pod) -> Host:
    assert pod.host
    return pod.host


def test_nothing_answers_in_the_clear(redis: StatefulSet) -> None:
    primary = redis.primary()
    for port in (6379, 26379):
        assert primary.cli("ping", port=port) == "PONG"
        assert "PONG" not in primary.cli("ping", port=port, encrypted=False)


def test_probes_succeed_by_encrypted_connections(redis: StatefulSet) -> None:
    for pod in redis.pods:
        assert pod.script("alive.sh", "6379") == pod.script("alive.sh", "26379", container="sentinel") == 0
        assert pod.script("ready.sh") == 0


def test_the_exporter_reads_metrics_with_the_settings_of_the_pod(redis: StatefulSet, tmp_path: Path) -> None:
    spec = failover_spec(RedisSettings(tls=RedisTlsSettings(secret="certificate")), "cluster.local")
    (exporter,) = (container for container in spec["containers"] if container["name"] == "exporter")
    variables: list[dict[str, Any]] = exporter["env"]
    environment = {variable["name"]: variable.get("value", "") for variable in variables}
    environment["REDIS_PASSWORD"] = (redis.secret / "monitor").read_text()
    primary = host_of(redis.primary())
    process = primary.start(["prometheus-redis-exporter"], environment=environment, log=tmp_path / "log")
    try:
        curl = ["curl", "--silent", "--retry", "5", "--retry-connrefused", METRICS]
        metrics = run_on(primary, *curl, folder=tmp_path)
    finally:
        process.kill()
        process.wait()
    assert "redis_up 1" in metrics
    assert "redis_connected_slaves 2" in metrics


def test_the_controller_believes_only_the_names_in_the_certificate(
    redis: StatefulSet, certificates: Path, tmp_path: Path
) -> None:
    hosts = [pod.fqdn for pod in redis.pods]
    command = [sys.executable, "-c", CONTROLLER, str(redis.secret / "sentinel"), str(certificates / "ca.crt"), *hosts]
    environment = {"PYTHONPATH": str(ROOT)}
    answer = run_on(host_of(redis.replica()), *command, environment=environment, folder=tmp_path)
    assert answer.split() == [redis.primary().fqdn, "True", "2", "True"]


def test_a_backup_is_made_by_an_encrypted_connection(redis: StatefulSet, certificates: Path, tmp_path: Path) -> None:
    (copies := tmp_path / "copies").mkdir()
    environment = {
        "HOST": redis.replica().fqdn,
        "BACKUP_DIR": str(copies),
        "KEEP": "1",
        "SECRET_DIR": str(redis.secret),
        "TLS_DIR": str(certificates),
    }
    script = str(FAILOVER_SCRIPTS / "backup.sh")
    run_on(host_of(redis.primary()), "sh", script, environment=environment, folder=tmp_path)
    (copy,) = copies.iterdir()
    assert copy.stat().st_size > 0


def test_a_killed_and_a_deleted_primary_are_replaced_and_nothing_is_lost(redis: StatefulSet, tmp_path: Path) -> None:
    killed = redis.primary()
    result = Result()
    with Trial(redis, tmp_path / "trial").load(result):
        killed.signal(signal.SIGKILL)
        eventually(redis.settled, 60, "a replica has taken over, and the old primary is one")
        assert redis.primary() is not killed
        deleted = redis.primary()
        deleted.delete()
        assert "not handed over" not in deleted.log("handover.sh")
        assert "handed over" in deleted.log("handover.sh")
        deleted.create()
    assert result.acknowledged > 0
    assert result.lost_with_wait == 0
    assert redis.settled()
