"""A copy of the data is made while all runs, and put back."""

import os
import subprocess
from pathlib import Path

from components.redis.component import FAILOVER_SCRIPTS
from tests.faults.redis.pods import eventually
from tests.faults.redis.stateful_set import StatefulSet


def back_up(redis: StatefulSet, folder: Path) -> subprocess.CompletedProcess[str]:
    replica = redis.replica()
    assert replica.host
    return subprocess.run(
        [*replica.host.enter(), "sh", str(FAILOVER_SCRIPTS / "backup.sh")],
        env={
            "PATH": os.environ["PATH"],
            "HOST": replica.host.address,
            "BACKUP_DIR": str(folder),
            "KEEP": "1",
            "SECRET_DIR": str(redis.secret),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_copy_is_made_while_all_runs_and_restored_on_every_volume(redis: StatefulSet, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    copies.mkdir()
    (copies / "redis-20260101T000000Z.rdb").write_text("an older copy")
    last = redis.primary()
    assert last.cli("set", "account", "full") == "OK"
    eventually(lambda: redis.replica().cli("get", "account") == "full", 5, "the replica has it")
    made = back_up(redis, copies)
    assert made.returncode == 0, made.stderr
    (copy,) = copies.iterdir()
    assert last.cli("set", "account", "emptied by mistake") == "OK"

    for pod in redis.pods:
        pod.delete(grace=False)
    script = str(FAILOVER_SCRIPTS / "restore.sh")
    volumes = [str(pod.folder / "data") for pod in redis.pods]
    subprocess.run(["sh", script, str(copy), *volumes], check=True, capture_output=True)
    for pod in redis.pods:
        pod.create()

    eventually(redis.ready, 30, "all are back")
    assert redis.primary() is last
    assert [pod.cli("get", "account") for pod in redis.pods] == ["full"] * 3
