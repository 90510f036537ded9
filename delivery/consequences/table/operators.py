"""Custom resources of Calico and Longhorn. The sandbox runs neither: these rows rest on the publishers' words."""

from typing import Final

from delivery.consequences import conditions as when
from delivery.consequences.model import Consequence, Kind, Rule
from delivery.consequences.table import sources

_NONE, _DOWNTIME = Consequence.NONE, Consequence.DOWNTIME
_REPLACEMENT, _LOSS = Consequence.REPLACEMENT, Consequence.DATA_LOSS
_POOL: Final = "spec.calicoNetwork.ipPools.*"

_INSTALLATION: Final = (
    Rule("+", _NONE, "The operator installs the network.", sources.INSTALLATION),
    Rule("-", _DOWNTIME, "The operator takes the network from every pod.", sources.INSTALLATION),
    Rule("±", _DOWNTIME, "The operator takes the network from every pod and installs it anew.", sources.INSTALLATION),
    Rule(f"{_POOL}.**", _NONE, "One more pool; addresses in use stay.", sources.INSTALLATION, when.added),
    Rule(f"{_POOL}.**", _DOWNTIME, "Pods that still have addresses of the pool lose their routes: drain it first.",
         sources.INSTALLATION, when.removed),
    Rule(f"{_POOL}.encapsulation", _DOWNTIME, "Connections between nodes may break while all nodes switch.",
         sources.ENCAPSULATION),
    Rule(f"{_POOL}.disableNewAllocations", _NONE, "Counts for pods that start.", sources.INSTALLATION),
    Rule(f"{_POOL}.nodeSelector", _NONE, "Counts for pods that start.", sources.INSTALLATION),
    Rule(f"{_POOL}.natOutgoing", _DOWNTIME, "Open connections to addresses outside of the pools may break.",
         sources.INSTALLATION),
)  # fmt: skip

_API_SERVER: Final = (
    Rule("+", _NONE, "kubectl can read projectcalico.org/v3.", sources.INSTALLATION),
    Rule("-", _NONE, "kubectl can't read projectcalico.org/v3; the network stays.", sources.INSTALLATION),
    Rule("±", Consequence.REPLACEMENT, "kubectl can't read projectcalico.org/v3 for a moment.", sources.INSTALLATION),
)

_RECURRING_JOB: Final = (
    Rule("+", _NONE, "Volumes stay as they are.", sources.RECURRING_JOB),
    Rule("-", _NONE, "No more are made; snapshots and backups stay.", sources.RECURRING_JOB),
    Rule("±", _REPLACEMENT, "Snapshots and backups stay.", sources.RECURRING_JOB),
    Rule("spec.retain", _LOSS, "Its next run deletes the oldest snapshots or backups above the number.",
         sources.RECURRING_JOB, when.fewer),
    Rule("spec.retain", _NONE, "More snapshots or backups are kept.", sources.RECURRING_JOB, when.more),
    Rule("spec.cron", _NONE, "Counts for its next run.", sources.RECURRING_JOB),
    Rule("spec.concurrency", _NONE, "Counts for its next run.", sources.RECURRING_JOB),
    Rule("spec.labels.**", _NONE, "Labels of the snapshots to come.", sources.RECURRING_JOB),
    Rule("spec.groups.**", _NONE, "Counts for its next run; what is no longer in a group is no longer saved.",
         sources.RECURRING_JOB),
    Rule("spec.groups", _NONE, "Counts for its next run; what is no longer in a group is no longer saved.",
         sources.RECURRING_JOB),
)  # fmt: skip

OPERATORS: Final = {
    "operator.tigera.io/Installation": Kind(_INSTALLATION, holds_state=True),
    "operator.tigera.io/APIServer": Kind(_API_SERVER),
    "longhorn.io/RecurringJob": Kind(_RECURRING_JOB, holds_state=True),
}
