"""The scripts that the stack ships keep one primary through every change of the guard."""

import signal
from pathlib import Path

from tests.faults.redis.pods import Pod, eventually
from tests.faults.redis.stateful_set import StatefulSet, rotate


def lead(redis: StatefulSet, pod: Pod) -> bool:
    """Tell whether this pod, and no other, takes writes."""
    return redis.primaries() == [pod] and pod.cli("set", "led-by", pod.name) == "OK"


def somebody_else_leads(redis: StatefulSet, old: Pod) -> bool:
    primaries = redis.primaries()
    return len(primaries) == 1 and primaries != [old] and lead(redis, primaries[0])


def keep(redis: StatefulSet, key: str, value: str) -> None:
    """Write what must never be lost: acknowledged by the primary and one replica."""
    answer = redis.primary().cli(script=f"SET {key} {value}\nWAIT 1 2000\n")
    assert answer.splitlines()[-1] >= "1"


def test_ordinal_0_leads_at_first_boot_and_the_others_have_its_data(redis: StatefulSet) -> None:
    assert redis.primary().ordinal == 0
    keep(redis, "greeting", "hello")
    for pod in redis.pods[1:]:
        eventually(lambda pod=pod: pod.cli("get", "greeting") == "hello", 5, "the replica has it")
        assert "READONLY" in pod.cli("set", "greeting", "no")


def test_a_killed_primary_comes_back_as_a_replica_and_nothing_is_lost(redis: StatefulSet) -> None:
    old = redis.primary()
    keep(redis, "kept", "yes")
    old.signal(signal.SIGKILL)
    eventually(lambda: somebody_else_leads(redis, old), 15, "a replica has taken over")
    eventually(redis.ready, 20, "the old primary is a ready replica")
    assert redis.primary() is not old
    assert [pod.cli("get", "kept") for pod in redis.pods] == ["yes"] * 3


def test_ordinal_0_never_becomes_a_second_primary_when_it_returns(redis: StatefulSet) -> None:
    zero = redis.pods[0]
    redis.hand_over_to(zero)
    zero.delete(grace=False)
    eventually(lambda: somebody_else_leads(redis, zero), 20, "a replica has taken over")
    keep(redis, "since", "then")
    zero.create()
    eventually(redis.ready, 20, "it is a ready replica")
    assert redis.primary() is not zero
    assert zero.cli("get", "since") == "then"


def test_an_emptied_primary_takes_its_data_from_the_replicas(redis: StatefulSet) -> None:
    emptied = redis.primary()
    keep(redis, "kept", "yes")
    emptied.delete(grace=False)
    emptied.wipe()
    # At once, while the Sentinels still take it for the primary.
    emptied.create()
    eventually(lambda: somebody_else_leads(redis, emptied), 20, "a replica has taken over")
    eventually(redis.ready, 20, "the emptied server is a ready replica")
    assert [pod.cli("get", "kept") for pod in redis.pods] == ["yes"] * 3


def test_when_all_pods_are_lost_at_once_the_last_primary_leads_again(redis: StatefulSet) -> None:
    last = redis.pods[1]
    redis.hand_over_to(last)
    keep(redis, "kept", "yes")
    for pod in redis.pods:
        pod.delete(grace=False)
    for pod in redis.pods:
        pod.create()
    eventually(redis.ready, 30, "all are back")
    assert redis.primary() is last
    assert last.cli("get", "kept") == "yes"


def test_an_empty_pod_stays_out_when_nobody_else_is_there(redis_to_break: StatefulSet) -> None:
    redis = redis_to_break
    last = redis.primary()
    for pod in redis.pods:
        pod.delete(grace=False)
    last.wipe()
    (last.folder / "sentinel" / "sentinel.conf").unlink()
    last.create()
    # At first boot it said so as well.
    waits = lambda: last.log("redis").splitlines()[-1].endswith("no Sentinel answers")  # noqa: E731
    eventually(waits, 20, "it says what it waits for")
    assert last.script("alive.sh", "6379") == 0
    assert not last.ready()
    assert redis.primaries() == []


def test_a_planned_stop_hands_the_role_over_before_the_server_ends(redis: StatefulSet) -> None:
    old = redis.primary()
    keep(redis, "kept", "yes")
    others = [pod for pod in redis.pods if pod is not old]
    old.delete()
    # Nobody had to notice that it is gone.
    new = others[0]
    assert f": handed over to {new.fqdn}" in old.log("handover.sh").splitlines()[-1]
    assert {primary_by(pod) for pod in others} == {new.fqdn}
    assert lead(redis, new)
    old.create()
    eventually(redis.settled, 30, "the old primary is a ready replica, and known as one")
    assert redis.primaries() == [new]
    # Nobody is left kept out.
    eventually(lambda: {pod.priority() for pod in redis.pods} == {100}, 5, "all may be promoted alike")


def primary_by(pod: Pod) -> str:
    """Return whom this pod's Sentinel names."""
    return pod.cli("sentinel", "get-master-addr-by-name", "mymaster", port=26379).split()[0]


def stop_with_stopped_sentinels(redis: StatefulSet, *stopped: Pod) -> str:
    """Run the hook of the primary while these Sentinels don't answer; return what it said."""
    old = redis.primary()
    for pod in stopped:
        pod.signal(signal.SIGSTOP, "sentinel")
    try:
        old.script("handover.sh")
    finally:
        for pod in stopped:
            pod.signal(signal.SIGCONT, "sentinel")
    return old.log("handover.sh").splitlines()[-1]


def test_a_planned_stop_hands_over_without_its_own_sentinel(redis: StatefulSet) -> None:
    old = redis.primary()
    assert ": handed over" in stop_with_stopped_sentinels(redis, old)
    assert somebody_else_leads(redis, old)
    eventually(redis.settled, 30, "all Sentinels know")
    assert redis.primary() is not old


def test_without_a_majority_of_sentinels_nothing_is_handed_over(redis: StatefulSet) -> None:
    old = redis.primary()
    others = [pod for pod in redis.pods if pod is not old]
    assert ": not handed over" in stop_with_stopped_sentinels(redis, old, others[1])
    assert lead(redis, old)


def test_a_primary_without_replicas_stops_taking_writes(redis: StatefulSet) -> None:
    old = redis.primary()
    assert old.host
    old.host.cut_off()
    eventually(lambda: old.cli("set", "lost", "yes").startswith("NOREPLICAS"), 20, "it refuses writes")
    eventually(lambda: any(pod.is_primary() for pod in redis.pods if pod is not old), 20, "a replica has taken over")
    old.host.join()
    eventually(lambda: not old.is_primary(), 40, "the old primary gives in")
    eventually(redis.ready, 20, "all are ready")


def min_replicas(redis: StatefulSet) -> list[int]:
    return [int(pod.cli("config", "get", "min-replicas-to-write", user="monitor").split()[1]) for pod in redis.pods]


def moves(redis: StatefulSet) -> int:
    """Return how often a Sentinel that stays has seen the role move."""
    return redis.pods[1].log("sentinel").count("+switch-master")


def test_scaling_restarts_nobody_and_every_member_knows_how_many_there_are(redis: StatefulSet) -> None:
    keep(redis, "kept", "yes")
    processes = [process.pid for pod in redis.pods for process in pod.processes.values()]
    redis.scale(5)
    eventually(redis.settled, 60, "the new ones are known")
    # The primary's file still says three, of which two would be a majority.
    assert ": not handed over" in stop_with_stopped_sentinels(redis, *redis.pods[2:])
    redis.tell()
    assert redis.settled()
    assert min_replicas(redis) == [2] * 5
    before = moves(redis)
    moved = redis.primary()
    redis.hand_over_to(redis.pods[3])
    redis.scale(3)
    redis.tell()
    assert redis.settled()
    assert min_replicas(redis) == [1] * 3
    # Once to a pod that goes, which was asked for, and once off it.
    assert moves(redis) - before == 2
    stayed = [process.pid for pod in redis.pods for process in pod.processes.values() if pod is not moved]
    assert set(stayed) <= set(processes)
    assert [pod.cli("get", "kept") for pod in redis.pods] == ["yes"] * 3


def settings(pod: Pod, first: str = "") -> list[str]:
    """Return what this pod's Sentinel says of the primary and of itself, in one breath with another command."""
    script = f"{first}SENTINEL GET-MASTER-ADDR-BY-NAME mymaster\nSENTINEL DEBUG\nSENTINEL MASTER mymaster\n"
    lines = pod.cli(script=script, user="sentinel", port=26379).splitlines()
    fields = [
        lines[lines.index(field) + 1] for field in ("config-epoch", "quorum", "failover-timeout", "parallel-syncs")
    ]
    return [*lines[: lines.index("name")], *fields]


def test_a_sentinel_that_forgets_members_still_names_the_primary_and_keeps_its_settings(redis: StatefulSet) -> None:
    pod = redis.replica()
    before = settings(pod)
    assert before[:2] == [redis.primary().fqdn, "6379"]
    assert {"20000", "1000"} < set(before)  # `tune` in sentinel.sh
    assert settings(pod, "SENTINEL RESET mymaster\n") == ["1", *before]
    eventually(redis.settled, 10, "it has found the others again")
    assert settings(pod) == before
    memory = (pod.folder / "sentinel" / "sentinel.conf").read_text()
    for kept in ("notification-script mymaster", "auth-user mymaster sentinel", "auth-pass mymaster"):
        assert f"sentinel {kept}" in memory


def test_both_passwords_are_good_while_they_change(redis: StatefulSet) -> None:
    before = (redis.secret / "app").read_text()
    rotate(redis.secret)
    after = (redis.secret / "app").read_text()
    for pod in reversed(redis.pods):
        for password in (before, after):
            assert redis.primary().cli("ping", password=password) == "PONG"
        pod.delete()
        pod.create()
        eventually(redis.ready, 30, f"{pod.name} is back")
    for password in (before, after):
        assert {pod.cli("ping", password=password) for pod in redis.pods} == {"PONG"}
    # A version later the first one has had its day.
    rotate(redis.secret)
    redis.roll()
    assert "NOAUTH" in redis.primary().cli("ping", password=before)


def test_every_user_may_do_what_it_is_for_and_no_more(redis: StatefulSet) -> None:
    primary = redis.primary()
    assert primary.cli("set", "a", "1") == "OK"
    assert "NOPERM" in primary.cli("config", "set", "maxmemory", "1")
    assert "NOPERM" in primary.cli("get", "a", user="monitor")
    assert "NOPERM" in primary.cli("get", "a", user="sentinel")
    assert "NOPERM" in primary.cli("get", "a", user="replication")
    assert "NOAUTH" in primary.cli("ping", user="default", password="")
    assert "NOPERM" in primary.cli("sentinel", "failover", "mymaster", port=26379)
    assert primary.cli("sentinel", "get-master-addr-by-name", "mymaster", port=26379).split()[0] == primary.fqdn


def test_no_password_stands_on_a_command_line(redis: StatefulSet) -> None:
    secrets = [file.read_text() for file in redis.secret.iterdir()]
    for pod in redis.pods:
        for process in pod.processes.values():
            text = Path(f"/proc/{process.pid}/cmdline").read_text()
            assert not any(secret in text for secret in secrets)
