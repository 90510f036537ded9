"""Volumes, their claims and classes."""

from typing import Final

from delivery.consequences import conditions as when
from delivery.consequences.model import Consequence, Kind, Rule
from delivery.consequences.table import sources

_NONE, _REPLACEMENT, _LOSS = Consequence.NONE, Consequence.REPLACEMENT, Consequence.DATA_LOSS

_CLAIM: Final = (
    Rule("+", _NONE, "A new, empty volume.", sources.VOLUMES),
    Rule("-", _LOSS, "The volume goes with its claim, unless its reclaim policy is Retain.", sources.VOLUMES),
    Rule("±", _LOSS, "The new claim gets a new, empty volume.", sources.VOLUMES),
    Rule("spec.resources.requests.storage", _NONE, "The volume grows while it is in use, where its class allows it.",
         sources.VOLUMES, when.more),
)  # fmt: skip

_VOLUME: Final = (
    Rule("+", _NONE, "A new volume.", sources.VOLUMES),
    Rule("-", _LOSS, "Its claim is lost; what it held depends on the storage.", sources.VOLUMES),
    Rule("±", _LOSS, "Its claim is lost; what it held depends on the storage.", sources.VOLUMES),
    Rule("spec.persistentVolumeReclaimPolicy", _NONE, "Counts when its claim goes.", sources.VOLUMES),
)

_CLASS: Final = (
    Rule("+", _NONE, "A class that new claims may name.", sources.STORAGE_CLASS),
    Rule("-", _NONE, "Volumes of it stay; new claims that name it wait.", sources.STORAGE_CLASS),
    Rule("±", _REPLACEMENT, "Volumes of it stay as they were made; new ones get the new parameters.",
         sources.STORAGE_CLASS),
    Rule("metadata.annotations.*", _NONE, "Counts for claims that name no class and are made from now on.",
         sources.STORAGE_CLASS, when.names(2, ["storageclass.kubernetes.io/is-default-class"])),
    Rule("allowVolumeExpansion", _NONE, "Says whether claims may grow.", sources.STORAGE_CLASS),
    Rule("mountOptions.**", _NONE, "Counts for volumes that are made from now on.", sources.STORAGE_CLASS),
    Rule("allowedTopologies.**", _NONE, "Counts for volumes that are made from now on.", sources.STORAGE_CLASS),
)  # fmt: skip

STORAGE: Final = {
    "core/PersistentVolumeClaim": Kind(_CLAIM, holds_state=True),
    "core/PersistentVolume": Kind(_VOLUME, holds_state=True),
    "storage.k8s.io/StorageClass": Kind(_CLASS, holds_state=True),
}
