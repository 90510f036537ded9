"""Our own custom resources, as our controllers follow them."""

from typing import Final

from delivery.changes import ABSENT
from delivery.consequences import conditions as when
from delivery.consequences.model import Consequence, Kind, Rule
from delivery.consequences.table import sources

_NONE, _ROLLING, _DOWNTIME, _REPLACEMENT = (
    Consequence.NONE, Consequence.ROLLING, Consequence.DOWNTIME, Consequence.REPLACEMENT,
)  # fmt: skip
_PODS_ROLL: Final = "The controller changes the pod template; each old pod stays until a new one is ready."

_WEBSITE: Final = (
    Rule("+", _NONE, "The controller makes its pods and addresses.", sources.WEBSITES),
    Rule("-", _DOWNTIME, "The controller's objects go with it; the content is in Git.", sources.WEBSITES),
    Rule("±", _REPLACEMENT, "Its pods end before new ones start; the content is in Git.", sources.WEBSITES),
    *(
        Rule(f"spec.{field}.**", _ROLLING, _PODS_ROLL, sources.WEBSITES)
        for field in ("gitRepo", "ref", "path", "credentialsSecret", "syncPeriod", "resources")
    ),
    Rule("spec.replicas", _DOWNTIME, "All its pods end.", sources.WEBSITES, when.to_zero),
    Rule("spec.replicas", _ROLLING, "Pods above the number end.", sources.WEBSITES, when.fewer),
    Rule("spec.replicas", _NONE, "More pods start.", sources.WEBSITES, when.more),
    Rule("spec.host", _NONE, "One more address.", sources.WEBSITES, when.added),
    Rule("spec.host", _DOWNTIME, "The address as it was stops answering; its pods run on.", sources.WEBSITES),
    *(
        Rule(f"spec.{field}.**", _NONE, "Comes with a new address.", sources.WEBSITES, when.comes_with("host"))
        for field in ("ingressClassName", "tlsSecret", "gateway")
    ),
    *(
        Rule(f"spec.{field}.**", _DOWNTIME, "The address is published another way; its pods run on.", sources.WEBSITES)
        for field in ("ingressClassName", "tlsSecret", "gateway")
    ),
    Rule("spec.serviceType", _NONE, "Its address inside of the cluster stays.", sources.WEBSITES,
         when.is_now("NodePort", "LoadBalancer", ABSENT)),
    Rule("spec.serviceType", _DOWNTIME, "Its port on the nodes stops answering; its pods run on.", sources.WEBSITES),
)  # fmt: skip

_MEMCACHED: Final = (
    Rule("+", _NONE, "The controller makes its nodes.", sources.MEMCACHED),
    Rule("-", _DOWNTIME, "Its nodes end, and the items in their memory with them.", sources.MEMCACHED),
    Rule("±", _REPLACEMENT, "Its nodes end before new, empty ones start.", sources.MEMCACHED),
    Rule("spec.size", _DOWNTIME, "All nodes end, and the items in their memory with them.", sources.MEMCACHED,
         when.to_zero),
    Rule("spec.size", _ROLLING, "Nodes above the number end, and the items in their memory with them.",
         sources.MEMCACHED, when.fewer),
    Rule("spec.size", _NONE, "More nodes start; clients spread their keys anew.", sources.MEMCACHED, when.more),
)  # fmt: skip

_SAMPLE: Final = (
    Rule("+", _NONE, "The watcher logs it.", sources.SAMPLES),
    Rule("-", _NONE, "The watcher logs it; no pod belongs to it.", sources.SAMPLES),
    Rule("±", _REPLACEMENT, "The watcher logs it; no pod belongs to it.", sources.SAMPLES),
    Rule("spec.value", _NONE, "The watcher logs it; no pod belongs to it.", sources.SAMPLES),
)

OWN: Final = {
    "extensions.example.com/Website": Kind(_WEBSITE),
    "cache.example.com/Memcached": Kind(_MEMCACHED),
    "bookofkubernetes.com/Sample": Kind(_SAMPLE),
}
