"""Longhorn's StorageClasses: a class never changes, a new version is a class of another name beside the older ones."""

from dataclasses import dataclass
from typing import Literal, TypedDict

from pydantic import Field

from components.fields import Model

PROVISIONER = "driver.longhorn.io"
# Minutes until a failed copy is thrown away and made anew (Longhorn 1.11, storage class parameters).
STALE_REPLICA_TIMEOUT_MINUTES = 30
IS_DEFAULT = "storageclass.kubernetes.io/is-default-class"

ReclaimPolicy = Literal["Delete", "Retain"]


class ClassSettings(Model):
    """What a class gives its volumes; Kubernetes lets none of it change."""

    reclaim_policy: ReclaimPolicy = "Retain"
    """What becomes of a volume when its claim goes."""
    data_locality: Literal["disabled", "best-effort"] = "disabled"
    """``best-effort`` keeps one copy on the node where the pod runs."""
    fs_type: Literal["ext4", "xfs"] = "ext4"


class OlderClassSettings(ClassSettings):
    """A class of an earlier version, kept as it was while volumes use it."""

    version: int = Field(ge=1)
    """The ``classVersion`` that it had."""
    replicas: int = Field(ge=1)
    """The copies that its volumes have."""


class Parameters(TypedDict):
    """``parameters`` of a class of driver.longhorn.io."""

    numberOfReplicas: str
    staleReplicaTimeout: str
    fsType: str
    dataLocality: str


@dataclass(frozen=True)
class DeclaredClass:
    """A StorageClass as the stack declares it."""

    name: str
    version: int
    copies: int
    settings: ClassSettings
    default: bool

    @property
    def parameters(self) -> Parameters:
        """What the driver is told."""
        return {
            "numberOfReplicas": str(self.copies),
            "staleReplicaTimeout": str(STALE_REPLICA_TIMEOUT_MINUTES),
            "fsType": self.settings.fs_type,
            "dataLocality": self.settings.data_locality,
        }

    @property
    def immutable(self) -> dict[str, str]:
        """All of it that Kubernetes refuses to change, by the names of StorageClass' fields."""
        parameters = {f"parameters.{key}": str(value) for key, value in self.parameters.items()}
        return {"provisioner": PROVISIONER, "reclaimPolicy": self.settings.reclaim_policy, **parameters}


def class_name(operator: Literal["chart", "existing"], copies: int, version: int) -> str:
    """Return the name of a class.

    The known name ``longhorn`` is that of the first version where we don't install Longhorn. With the chart,
    longhorn-manager owns that name: it deletes and recreates the class as it likes.
    """
    if operator == "existing" and version == 1:
        return "longhorn"
    return f"longhorn-r{copies}-v{version}"
