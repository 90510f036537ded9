"""Settings of Redis."""

from collections.abc import Iterator

from pydantic import Field

from components.fields import DnsLabel, Model, Quantity, Resources, quantity_value
from components.problems import Problem
from components.versions import REDIS_IMAGE


class RedisVolumeSettings(Model):
    """The volumes of each instance."""

    size: Quantity = "1Gi"
    """Size of the data volume in bytes."""
    storage_class: DnsLabel | None = None
    """Class of the volumes; by default the one that Longhorn offers."""


class RedisSettings(Model):
    """A primary with its replicas."""

    enabled: bool = True
    namespace: DnsLabel = "redis"
    instances: int = Field(default=2, ge=1)
    """The primary and its replicas."""
    image: str = REDIS_IMAGE
    volume: RedisVolumeSettings = Field(default_factory=RedisVolumeSettings)
    resources: Resources = Field(default_factory=lambda: Resources(cpu="100m", memory="256Mi"))
    password_version: int = Field(default=1, ge=1)
    """Raise it to make a new password; the pods restart with it."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields."""
        # An append-only file that is being rewritten stands on the volume twice.
        needed = 2 * quantity_value(self.resources.memory)
        if quantity_value(self.volume.size) < needed:
            allowed = f"twice resources.memory {self.resources.memory} or more, for the rewrite of the append-only file"
            yield Problem("volume.size", self.volume.size, allowed)
