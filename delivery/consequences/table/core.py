"""Kinds of the core group, and PriorityClass."""

from typing import Final

from delivery.consequences import conditions as when
from delivery.consequences.model import Consequence, Kind, Rule
from delivery.consequences.table import sources

_NONE, _DOWNTIME = Consequence.NONE, Consequence.DOWNTIME
_REPLACEMENT, _LOSS = Consequence.REPLACEMENT, Consequence.DATA_LOSS

_FILES: Final = (
    Rule("+", _NONE, "Nothing reads it yet.", sources.CONFIG),
    Rule("-", _DOWNTIME, "A pod that reads it can't start any more; those that run go on until then.", sources.CONFIG),
    Rule("±", _REPLACEMENT, "It is away for a moment; a pod that starts then has to try again.", sources.CONFIG),
    *(
        Rule(f"{field}.**", _NONE, "Running pods aren't restarted: mounted files follow within about a minute, "
             "variables with the pod's next start. What must restart bears a checksum.", sources.CONFIG)
        for field in ("data", "binaryData", "stringData")
    ),
    Rule("immutable", _NONE, "Says whether later edits are accepted.", sources.CONFIG),
)  # fmt: skip

_SERVICE: Final = (
    Rule("+", _NONE, "A new name to reach pods by.", sources.SERVICE),
    Rule("-", _DOWNTIME, "Its name and address stop answering.", sources.SERVICE),
    Rule("±", _REPLACEMENT, "Its name and address don't answer for a moment, and the address may change.",
         sources.SERVICE),
    Rule("spec.ports.**", _NONE, "One more port; the others stay.", sources.SERVICE, when.added),
    Rule("spec.ports.**", _DOWNTIME, "Clients of the port as it was are refused.", sources.SERVICE),
    Rule("spec.selector.**", _DOWNTIME, "Other pods answer under its name, or none.", sources.SERVICE),
    Rule("spec.type", _NONE, "Its address inside of the cluster stays; it answers outside too.", sources.SERVICE,
         when.is_now("NodePort", "LoadBalancer")),
    Rule("spec.type", _DOWNTIME, "Clients outside of the cluster are refused.", sources.SERVICE),
    Rule("spec.publishNotReadyAddresses", _NONE, "Says whether pods that aren't ready have a name.", sources.SERVICE),
    Rule("spec.trafficDistribution", _NONE, "Says which pods are preferred.", sources.SERVICE),
)  # fmt: skip

_NAMESPACE: Final = (
    Rule("+", _NONE, "Nothing is in it yet.", sources.NAMESPACE),
    Rule("-", _LOSS, "Everything in it goes with it, volume claims too.", sources.NAMESPACE),
    Rule("±", _LOSS, "Deleted first, and everything in it with it, volume claims too.", sources.NAMESPACE),
    Rule("metadata.labels.*", _NONE, "Running pods stay; what breaks the level can't start any more.",
         sources.SECURITY_LEVEL,
         when.names(2, [f"pod-security.kubernetes.io/{mode}" for mode in ("enforce", "audit", "warn")])),
)  # fmt: skip

_ACCOUNT: Final = (
    Rule("+", _NONE, "Nothing runs as it yet.", sources.ACCOUNT),
    Rule("-", _DOWNTIME, "The API server refuses the tokens of pods that run as it.", sources.ACCOUNT),
    Rule("±", _REPLACEMENT, "Tokens of the old one are refused; pods get new ones within the hour, or by a restart.",
         sources.ACCOUNT),
    Rule("automountServiceAccountToken", _NONE, "Counts for pods that start.", sources.ACCOUNT),
    Rule("imagePullSecrets.**", _NONE, "Counts for pods that start.", sources.ACCOUNT),
)  # fmt: skip

_LIMITS: Final = (
    Rule("+", _NONE, "Counts for pods that start.", sources.QUOTA),
    Rule("-", _NONE, "Counts for pods that start.", sources.QUOTA),
    Rule("±", _REPLACEMENT, "Counts for pods that start.", sources.QUOTA),
    Rule("spec.**", _NONE, "Counts for pods that start.", sources.QUOTA),
)

_PRIORITY: Final = (
    Rule("+", _NONE, "Pods get their priority when they are made.", sources.PRIORITY),
    Rule("-", _NONE, "Pods keep the priority that they have; new ones of this name are refused.", sources.PRIORITY),
    Rule("±", _REPLACEMENT, "Pods keep the priority that they have.", sources.PRIORITY),
    Rule("description", _NONE, "A text for people.", sources.PRIORITY),
    Rule("globalDefault", _NONE, "Counts for pods that start.", sources.PRIORITY),
)

CORE: Final = {
    "core/ConfigMap": Kind(_FILES),
    "core/Secret": Kind(_FILES),
    "core/Service": Kind(_SERVICE),
    "core/Namespace": Kind(_NAMESPACE, holds_state=True),
    "core/ServiceAccount": Kind(_ACCOUNT),
    "core/LimitRange": Kind(_LIMITS),
    "core/ResourceQuota": Kind(_LIMITS),
    "scheduling.k8s.io/PriorityClass": Kind(_PRIORITY),
}
