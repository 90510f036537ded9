"""The faults, each as what is done to pods, nodes and the control plane while clients write."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from sandbox.cluster import control
from sandbox.cluster.real import layout, nodes
from tests.faults.postgres import changes, disk
from tests.faults.postgres.lab import NAME, NAMESPACE, OPERATOR_NAMESPACE, Lab
from tests.integration.sandbox.kubectl import eventually
from tests.processes import named, of, send

# Seconds that the API server is away.
API_SECONDS = 60.0
# Seconds beyond the lease (ttl) for which a pod is frozen or cut off.
BEYOND_LEASE = 15.0
_TAKEN_OVER_SECONDS = 90


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, or is done on purpose."""

    name: str
    inject: Callable[[Lab], None]
    everyday: bool = False
    """Whether it is an edit of the settings: nothing fails, and its seconds would flatter those of faults."""
    lasting: bool = False
    """Whether it lasts for as long as it is made to, so that its seconds say nothing of a recovery."""
    single: bool = True
    """Whether only one thing fails, so that nothing that was acknowledged may be lost."""
    inside: bool = False
    """Whether a client on the primary's own node can show what the others can't."""

    @property
    def key(self) -> str:
        return self.name.replace(" ", "-").replace("'", "").replace(",", "")


def another_leads(lab: Lab, old: str) -> None:
    """Wait until another pod than ``old`` is labelled as the primary."""
    eventually(lambda: lab.role("master") not in ([], [old]), "a replica has taken over", _TAKEN_OVER_SECONDS)


def outlast_lease(lab: Lab, old: str, undo: Callable[[], None]) -> None:
    """Wait until another pod leads and the lease of ``old`` is long over; then, or when that fails, undo."""
    try:
        another_leads(lab, old)
        time.sleep(BEYOND_LEASE)
    finally:
        undo()


def kill_server(lab: Lab) -> None:
    server(lab, lab.primary()).kill()


def processes(lab: Lab, pod: str) -> list[psutil.Process]:
    """Return Patroni, the server and all that belongs to them in a pod."""
    return of(nodes.pids_of(lab.cluster, NAMESPACE, pod, "postgres"))


def server(lab: Lab, pod: str) -> psutil.Process:
    """Return the postmaster of a pod: the oldest process of PostgreSQL's, which starts all others."""
    return min(named("postgres", processes(lab, pod)), key=lambda process: (process.create_time(), process.pid))


def freeze(lab: Lab) -> None:
    """Freeze server and Patroni of the primary until long after the lease, then let them go on."""
    primary = lab.primary()
    frozen = processes(lab, primary)
    send(signal.SIGSTOP, frozen)
    outlast_lease(lab, primary, lambda: send(signal.SIGCONT, frozen))


def delete_pod(lab: Lab) -> None:
    lab.kubectl("delete", "pod", lab.primary(), "-n", NAMESPACE, "--wait=false")
    time.sleep(1)


def force_delete_pod(lab: Lab) -> None:
    lab.kubectl("delete", "pod", lab.primary(), "-n", NAMESPACE, "--grace-period=0", "--force")
    time.sleep(1)


def switch_over(lab: Lab) -> None:
    old = lab.primary()
    lab.patronictl(old, "switchover", NAME, "--master", old, "--force")
    another_leads(lab, old)


def lose_node(lab: Lab) -> None:
    """End the primary's node as a power failure does, and switch it on once a replica leads."""
    primary = lab.primary()
    node = lab.get("pod", primary)["spec"]["nodeName"]
    nodes.power_off(lab.cluster, node)
    outlast_lease(lab, primary, lambda: nodes.power_on(lab.cluster, node))


def cut_off(lab: Lab) -> None:
    """Pull the cable of the primary's node: its pods live on, and reach nobody but each other."""
    primary = lab.primary()
    node = lab.get("pod", primary)["spec"]["nodeName"]
    nodes.cut(lab.cluster, node)
    outlast_lease(lab, primary, lambda: nodes.heal(lab.cluster, node))


def wipe_replica(lab: Lab) -> None:
    """Empty a replica's volume and kill its server, which can't be started again."""
    replica = lab.role("replica")[0]
    claim = lab.get("pvc", f"pgdata-{replica}")
    data = layout.volumes(lab.cluster.folder) / claim["spec"]["volumeName"] / "pgroot" / "data"
    postmaster = server(lab, replica)
    postmaster.suspend()
    _empty(data)
    postmaster.kill()


def _empty(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)


def freeze_api_server(lab: Lab) -> None:
    api = control.process(lab.cluster, "kube-apiserver")
    api.suspend()
    try:
        time.sleep(API_SECONDS)
    finally:
        api.resume()


def kill_operator_in_rolling_update(lab: Lab) -> None:
    """Have all pods replaced, and the operator killed after the first one."""
    before = lab.uids()
    mark = {"spec": {"env": [{"name": "TEST_TURN", "value": str(time.time())}]}}
    lab.kubectl("patch", "postgresql", NAME, "-n", NAMESPACE, "--type=merge", "--patch-file=/dev/stdin", stdin=mark)

    def replaced() -> int:
        return sum(before.get(name) != uid for name, uid in lab.uids().items())

    eventually(lambda: replaced() >= 1, "the first pod is replaced", _TAKEN_OVER_SECONDS)
    labels = ("-l", "app.kubernetes.io/name=postgres-operator")
    lab.kubectl("delete", "pod", *labels, "-n", OPERATOR_NAMESPACE, "--grace-period=0", "--force")
    # A missed deletion costs it pod_deletion_wait_timeout; and it must begin again from the start.
    eventually(lambda: replaced() == len(before), "every pod is replaced", 4 * _TAKEN_OVER_SECONDS)


def kill_primary_and_replica(lab: Lab) -> None:
    for pod in (lab.primary(), lab.role("replica")[0]):
        server(lab, pod).send_signal(signal.SIGKILL)


FAULTS = {
    fault.key: fault
    for fault in (
        Fault("kill the primary's server", kill_server),
        Fault("freeze the primary", freeze, inside=True),
        Fault("delete the primary's pod", delete_pod),
        Fault("delete it without grace", force_delete_pod),
        Fault("switchover", switch_over),
        Fault("lose the primary's node", lose_node),
        Fault("cut the primary off", cut_off, inside=True),
        Fault("wipe a replica's volume", wipe_replica),
        Fault("primary's volume full", disk.primary_disk_full, lasting=True),
        Fault("API server away for 60 s", freeze_api_server),
        Fault("kill operator in rolling update", kill_operator_in_rolling_update),
        Fault("a parameter that needs a restart", changes.restarting_parameter, everyday=True),
        Fault("a parameter that needs none", changes.reloaded_parameter, everyday=True),
        Fault("other resources", changes.other_resources, everyday=True),
        Fault("user and database come and go", changes.user_and_database, everyday=True),
        Fault("volumes grow", changes.larger_volumes, everyday=True),
        Fault("from three to five and back", changes.more_and_fewer, everyday=True),
        Fault("operator's release before, and back", changes.operator_back_and_forth, everyday=True),
        Fault("pooler on", changes.pooler_on, everyday=True),
        Fault("pooler off", changes.pooler_off, everyday=True),
        Fault("kill primary and replica", kill_primary_and_replica, single=False),
    )
}
