"""What runs pods, and what scales them or holds drains back."""

from typing import Final

from delivery.consequences import conditions as when
from delivery.consequences.model import Consequence, Kind, Rule
from delivery.consequences.table import sources

_NONE, _ROLLING, _DOWNTIME = Consequence.NONE, Consequence.ROLLING, Consequence.DOWNTIME
_REPLACEMENT, _LOSS = Consequence.REPLACEMENT, Consequence.DATA_LOSS

_FOLLOWED_BY_NODES: Final = "The controller passes it on to every pod that it runs, and these are replaced one by one."

_DEPLOYMENT: Final = (
    Rule("+", _NONE, "New pods start; none that runs is touched.", sources.DEPLOYMENT),
    Rule("-", _NONE, "It has no pods.", sources.DEPLOYMENT, when.without_pods),
    Rule("-", _DOWNTIME, "Its pods end and nothing takes their place.", sources.DEPLOYMENT),
    Rule("±", _REPLACEMENT, "Its pods end before those of the new one start.", sources.DEPLOYMENT),
    Rule("spec.template.**", _NONE, "It has no pods to replace.", sources.DEPLOYMENT, when.without_pods),
    Rule("spec.template.**", _DOWNTIME, "Old pods all end before new ones start (Recreate, or maxUnavailable of all).",
         sources.DEPLOYMENT, when.at_once),
    # Our own controllers hand these on to the pods that they make.
    *(
        Rule(f"spec.template.spec.containers.[controller].env.[{name}].**", _ROLLING, _FOLLOWED_BY_NODES, source)
        for name, source in (
            ("NGINX_IMAGE", sources.WEBSITES),
            ("GIT_SYNC_IMAGE", sources.WEBSITES),
            ("REPORT_URL", sources.WEBSITES),
            ("MEMCACHED_IMAGE", sources.MEMCACHED),
            ("MEMCACHED_CPU", sources.MEMCACHED),
            ("MEMCACHED_CPU_LIMIT", sources.MEMCACHED),
            ("MEMCACHED_MEMORY", sources.MEMCACHED),
        )
    ),
    Rule("spec.template.**", _ROLLING, "A changed pod template replaces the pods in turn.", sources.DEPLOYMENT),
    Rule("spec.replicas", _DOWNTIME, "All pods end.", sources.DEPLOYMENT, when.to_zero),
    Rule("spec.replicas", _ROLLING, "The pods above the number end.", sources.DEPLOYMENT, when.fewer),
    Rule("spec.replicas", _NONE, "More pods start.", sources.DEPLOYMENT, when.more),
    Rule("spec.strategy.**", _NONE, "Says how the next rollout goes.", sources.DEPLOYMENT),
    Rule("spec.minReadySeconds", _NONE, "Says how the next rollout goes.", sources.DEPLOYMENT),
    Rule("spec.progressDeadlineSeconds", _NONE, "Says when a rollout is called failed.", sources.DEPLOYMENT),
    Rule("spec.revisionHistoryLimit", _NONE, "Says how many old ReplicaSets stay.", sources.DEPLOYMENT),
)  # fmt: skip

_STATEFUL_SET: Final = (
    Rule("+", _NONE, "New pods start; none that runs is touched.", sources.STATEFUL_SET),
    Rule("-", _LOSS, "Its volume claims go with it (persistentVolumeClaimRetentionPolicy.whenDeleted is Delete).",
         sources.STATEFUL_SET, when.claims_go_with_it),
    Rule("-", _DOWNTIME, "Its pods end; the volume claims stay.", sources.STATEFUL_SET),
    Rule("±", _LOSS, "Deleted first, and its volume claims with it (whenDeleted is Delete).",
         sources.STATEFUL_SET, when.claims_go_with_it),
    Rule("±", _REPLACEMENT, "Its pods end before those of the new one start, which takes the volume claims over.",
         sources.STATEFUL_SET),
    Rule("spec.template.**", _NONE, "It has no pods to replace.", sources.STATEFUL_SET, when.without_pods),
    Rule("spec.template.**", _DOWNTIME, "Its only pod ends before the new one starts.",
         sources.STATEFUL_SET, when.alone),
    Rule("spec.template.**", _ROLLING, "Its pods are replaced by whoever deletes them (updateStrategy OnDelete).",
         sources.STATEFUL_SET, when.on_delete),
    Rule("spec.template.**", _ROLLING, "A changed pod template replaces the pods one by one, the last ordinal first.",
         sources.STATEFUL_SET),
    Rule("spec.replicas", _LOSS, "The claims of the pods that end go with them (whenScaled is Delete).",
         sources.STATEFUL_SET, when.claims_go_with_pods),
    Rule("spec.replicas", _DOWNTIME, "All pods end; the volume claims stay.", sources.STATEFUL_SET, when.to_zero),
    Rule("spec.replicas", _ROLLING, "The pods of the highest ordinals end; their volume claims stay.",
         sources.STATEFUL_SET, when.fewer),
    Rule("spec.replicas", _NONE, "More pods start.", sources.STATEFUL_SET, when.more),
    Rule("spec.updateStrategy.**", _ROLLING, "Pods that an earlier update left behind may be replaced now.",
         sources.STATEFUL_SET),
    Rule("spec.persistentVolumeClaimRetentionPolicy.**", _NONE,
         "Counts at the next scale-down or deletion: Delete then takes the data along.", sources.STATEFUL_SET),
    Rule("spec.minReadySeconds", _NONE, "Says how the next rollout goes.", sources.STATEFUL_SET),
)  # fmt: skip

_DAEMON_SET: Final = (
    Rule("+", _NONE, "New pods start; none that runs is touched.", sources.DAEMON_SET),
    Rule("-", _DOWNTIME, "Its pods end on every node.", sources.DAEMON_SET),
    Rule("±", _REPLACEMENT, "Its pods end before those of the new one start.", sources.DAEMON_SET),
    Rule("spec.template.**", _ROLLING, "A changed pod template replaces the pods node by node.", sources.DAEMON_SET),
    Rule("spec.updateStrategy.**", _NONE, "Says how the next rollout goes.", sources.DAEMON_SET),
    Rule("spec.minReadySeconds", _NONE, "Says how the next rollout goes.", sources.DAEMON_SET),
    Rule("spec.revisionHistoryLimit", _NONE, "Says how many old revisions stay.", sources.DAEMON_SET),
)

_JOB: Final = (
    Rule("+", _NONE, "It runs once more beside what runs.", sources.JOB),
    Rule("-", _DOWNTIME, "Its pods end, finished or not.", sources.JOB),
    Rule("±", _REPLACEMENT, "It runs anew from the start.", sources.JOB),
    Rule("spec.activeDeadlineSeconds", _NONE, "Counts from its start; a Job beyond it ends as failed.", sources.JOB),
    Rule("spec.ttlSecondsAfterFinished", _NONE, "Says how long the finished Job stays.", sources.JOB),
    Rule("spec.backoffLimit", _NONE, "Says how often it is tried again.", sources.JOB),
)
_CRON_JOB: Final = (
    Rule("+", _NONE, "It starts Jobs beside what runs.", sources.JOB),
    Rule("-", _DOWNTIME, "It starts nothing more, and Jobs of it that run end.", sources.JOB),
    Rule("±", _REPLACEMENT, "Jobs of the old one that run end.", sources.JOB),
    Rule("spec.**", _NONE, "Counts for the next Job; one that runs goes on.", sources.JOB),
)

_AUTOSCALER: Final = (
    Rule("+", _ROLLING, "It may end pods where it finds too many.", sources.AUTOSCALER),
    Rule("-", _NONE, "The number of pods stays as it is.", sources.AUTOSCALER),
    Rule("±", _REPLACEMENT, "The number of pods stays until the new one decides.", sources.AUTOSCALER),
    Rule("spec.minReplicas", _NONE, "More pods start.", sources.AUTOSCALER, when.more),
    Rule("spec.maxReplicas", _NONE, "More pods may start.", sources.AUTOSCALER, when.more),
    Rule("spec.minReplicas", _ROLLING, "It may end pods.", sources.AUTOSCALER),
    Rule("spec.maxReplicas", _ROLLING, "Pods above the number end.", sources.AUTOSCALER),
    Rule("spec.metrics.**", _ROLLING, "It may decide on fewer pods.", sources.AUTOSCALER),
    Rule("spec.behavior.**", _NONE, "Says how fast it scales.", sources.AUTOSCALER),
)

_BUDGET: Final = (
    Rule("+", _NONE, "Drains wait where it says so.", sources.DISRUPTION),
    Rule("-", _NONE, "Drains no longer wait for it.", sources.DISRUPTION),
    Rule("±", _REPLACEMENT, "Drains don't wait for a moment.", sources.DISRUPTION),
    Rule("spec.**", _NONE, "Says how many pods a drain may take at once.", sources.DISRUPTION),
)

WORKLOADS: Final = {
    "apps/Deployment": Kind(_DEPLOYMENT),
    "apps/StatefulSet": Kind(_STATEFUL_SET, holds_state=True),
    "apps/DaemonSet": Kind(_DAEMON_SET),
    "batch/Job": Kind(_JOB),
    "batch/CronJob": Kind(_CRON_JOB),
    "autoscaling/HorizontalPodAutoscaler": Kind(_AUTOSCALER),
    "policy/PodDisruptionBudget": Kind(_BUDGET),
}
