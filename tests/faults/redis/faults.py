"""The faults, each as what is done to the pods while clients write."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults.redis.pods import Pod, eventually
from tests.faults.redis.stateful_set import StatefulSet

# Seconds that a fault lasts which ends by itself.
DURATION = 15.0
# Seconds until the pod of a lost node runs elsewhere.
RESCHEDULED = 10.0


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, or is done on purpose."""

    name: str
    inject: Callable[[StatefulSet], None]
    planned: bool = False
    single: bool = True
    """Whether only one thing fails, so that nothing that `WAIT` acknowledged may be lost."""
    prepare: Callable[[StatefulSet], None] | None = None
    """What the pods need before they start."""

    @property
    def needs_pods_of_its_own(self) -> bool:
        return self.prepare is not None


def somebody_leads(redis: StatefulSet, *, instead_of: Pod) -> None:
    others = [pod for pod in redis.pods if pod is not instead_of]
    eventually(lambda: any(pod.host is not None and pod.is_primary() for pod in others), 30, "a replica has taken over")


def kill_primary(redis: StatefulSet) -> None:
    redis.primary().signal(signal.SIGKILL)


def delete_primary(redis: StatefulSet) -> None:
    primary = redis.primary()
    primary.delete()
    primary.create()


def force_delete_primary(redis: StatefulSet) -> None:
    primary = redis.primary()
    primary.delete(grace=False)
    primary.create()


def return_of_ordinal_0(redis: StatefulSet) -> None:
    """It was the primary at first boot, and must not take that for a reason to be it again."""
    zero = redis.pods[0]
    redis.hand_over_to(zero)
    zero.delete(grace=False)
    somebody_leads(redis, instead_of=zero)
    zero.create()
    zero.delete(grace=False)
    zero.create()


def delete_all(redis: StatefulSet) -> None:
    for pod in redis.pods:
        pod.delete(grace=False)
    for pod in redis.pods:
        pod.create()


def stall_primary(redis: StatefulSet) -> None:
    primary = redis.primary()
    primary.signal(signal.SIGSTOP)
    time.sleep(DURATION)
    primary.signal(signal.SIGCONT)


def wake_primary_in_failover(redis: StatefulSet) -> None:
    """Two things at once: it is replaced, and back in that moment, when the other replica may still be its own."""
    primary = redis.primary()
    primary.signal(signal.SIGSTOP)
    somebody_leads(redis, instead_of=primary)
    primary.signal(signal.SIGCONT)


def cut_off_primary(redis: StatefulSet) -> None:
    _cut_off(redis.primary())


def cut_off_replica(redis: StatefulSet) -> None:
    _cut_off(redis.replica())


def _cut_off(pod: Pod) -> None:
    assert pod.host
    pod.host.cut_off()
    time.sleep(DURATION)
    pod.host.join()


def separate_primary_from_pods(redis: StatefulSet) -> None:
    """Clients still reach every pod; only the pods don't reach the primary."""
    primary = redis.primary()
    others = [pod.host for pod in redis.pods if pod is not primary and pod.host]
    assert primary.host
    for other in others:
        primary.host.separate(other)
    time.sleep(DURATION)
    for other in others:
        primary.host.reunite(other)


def lose_node(redis: StatefulSet) -> None:
    primary = redis.primary()
    assert primary.host
    # No packet says good-bye.
    primary.host.cut_off()
    primary.stop()
    time.sleep(RESCHEDULED)
    primary.create()


def wipe_primary(redis: StatefulSet) -> None:
    primary = redis.primary()
    primary.delete(grace=False)
    primary.wipe()
    primary.create()


def slow_replica(redis: StatefulSet) -> None:
    """A replica that works a fifth of the time, as on a node that is short of CPU."""
    replica = redis.replica()
    end = time.monotonic() + DURATION
    while time.monotonic() < end:
        replica.signal(signal.SIGSTOP)
        time.sleep(0.4)
        replica.signal(signal.SIGCONT)
        time.sleep(0.1)


def kill_two_sentinels(redis: StatefulSet) -> None:
    for pod in redis.pods[:2]:
        pod.signal(signal.SIGKILL, "sentinel")


def restart_all_during_failover(redis: StatefulSet) -> None:
    redis.primary().signal(signal.SIGKILL)
    # Sentinels have noticed by then and are electing.
    time.sleep(3.5)
    delete_all(redis)


def move_to_and_fro(redis: StatefulSet) -> None:
    """The same servers lead again within seconds, so that what a Sentinel saw last of one may be of its last turn."""
    kill_primary(redis)
    eventually(redis.complete, 30, "the killed one is a replica")
    delete_primary(redis)
    eventually(redis.complete, 30, "the deleted one is a replica")
    kill_primary(redis)


def fill_disk(redis: StatefulSet) -> None:
    primary = redis.primary()
    filler = primary.folder / "data" / "filler"
    with filler.open("wb") as file:
        try:
            while True:
                file.write(bytes(2**20))
                file.flush()
        except OSError:
            pass
    somebody_leads(redis, instead_of=primary)
    filler.unlink()


def limit_disks(redis: StatefulSet) -> None:
    redis.limit_disks(64)


def jump_clock(redis: StatefulSet) -> None:
    redis.primary().set_clock("+1h")
    time.sleep(DURATION)


def fake_clocks(redis: StatefulSet) -> None:
    redis.fake_clocks()


def roll(redis: StatefulSet) -> None:
    redis.roll()


def scale(redis: StatefulSet) -> None:
    """To five and back, and the primary is one of those that go."""
    redis.scale(5)
    redis.tell()
    redis.hand_over_to(redis.pods[3])
    redis.scale(3)
    redis.tell()


FAULTS = {
    fault.name: fault
    for fault in (
        Fault("kill the primary's server", kill_primary),
        Fault("delete the primary's pod", delete_primary, planned=True),
        Fault("delete it without grace", force_delete_primary),
        Fault("delete pod 0 as it returns", return_of_ordinal_0),
        Fault("stall the primary for 15 s", stall_primary),
        Fault("cut the primary off", cut_off_primary),
        Fault("cut it off from the pods only", separate_primary_from_pods),
        Fault("cut a replica off", cut_off_replica),
        Fault("lose the primary's node", lose_node),
        Fault("wipe the primary's volume", wipe_primary),
        Fault("slow replica", slow_replica),
        Fault("kill two Sentinels", kill_two_sentinels),
        Fault("rolling update", roll, planned=True),
        Fault("scale to five and back", scale, planned=True),
        Fault("kill, delete and kill in a row", move_to_and_fro),
        Fault("disk full on the primary", fill_disk, prepare=limit_disks),
        Fault("clock jump on the primary", jump_clock, prepare=fake_clocks),
        Fault("stall it until it is replaced", wake_primary_in_failover, single=False),
        Fault("delete all pods at once", delete_all, single=False),
        Fault("restart all during a failover", restart_all_during_failover, single=False),
    )
}
