"""Settings of Redis."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from components.fields import Cron, DnsLabel, Model, Quantity, Resources, quantity_value
from components.problems import Problem
from components.versions import CONTROLLERS_IMAGE, REDIS_EXPORTER_IMAGE, REDIS_IMAGE

# Two of three Sentinels are a majority without the one that is lost; of two, one isn't.
LEAST_WITH_SENTINEL = 3

# Redis' own names (redis.conf, maxmemory-policy).
EvictionPolicy = Literal[
    "noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random",
    "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
]  # fmt: skip


class RedisVolumeSettings(Model):
    """The volumes of each instance."""

    size: Quantity = "1Gi"
    """Size of the data volume in bytes; can grow, never shrink."""
    storage_class: DnsLabel | None = None
    """Class of the volumes; by default the one that Longhorn offers."""


class RedisTlsSettings(Model):
    """Encrypted connections."""

    secret: DnsLabel
    """Secret in the namespace of Redis with tls.crt, tls.key and ca.crt, valid for all pods' names."""


class RedisExporterSettings(Model):
    """The exporter of metrics beside each server."""

    image: str = REDIS_EXPORTER_IMAGE
    resources: Resources = Field(default_factory=lambda: Resources(cpu="10m", memory="32Mi"))


class RedisControllerSettings(Model):
    """The controller that keeps the primary's label true."""

    image: str = CONTROLLERS_IMAGE
    """Image made from controllers/Dockerfile, under the name you pushed it to."""
    resources: Resources = Field(default_factory=lambda: Resources(cpu="20m", memory="96Mi"))


class RedisBackupSettings(Model):
    """Copies of the data on a volume of their own."""

    schedule: Cron = "15 2 * * *"
    keep: int = Field(default=7, ge=1)
    """Number of copies that are kept."""
    size: Quantity = "5Gi"
    """Size of the volume in bytes."""


class RedisSettings(Model):
    """A primary with its replicas."""

    enabled: bool = True
    namespace: DnsLabel = "redis"
    sentinel: bool = True
    """Whether a replica takes over when the primary is lost; without it ordinal 0 is the primary for ever."""
    instances: int = Field(default=3, ge=1)
    """The primary and its replicas."""
    image: str = REDIS_IMAGE
    volume: RedisVolumeSettings = Field(default_factory=RedisVolumeSettings)
    resources: Resources = Field(default_factory=lambda: Resources(cpu="100m", memory="256Mi"))
    """Of each server. Three quarters of the memory are for data."""
    eviction_policy: EvictionPolicy = "noeviction"
    """What happens when the memory is full; by default writes fail."""
    password_version: int = Field(default=1, ge=1)
    """Raise it to go to the next passwords; the last ones stay valid until it is raised again."""
    tls: RedisTlsSettings | None = None
    exporter: RedisExporterSettings | None = Field(default_factory=RedisExporterSettings)
    controller: RedisControllerSettings = Field(default_factory=RedisControllerSettings)
    backup: RedisBackupSettings | None = None

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields."""
        # An append-only file that is being rewritten stands on the volume twice.
        needed = 2 * quantity_value(self.resources.memory)
        if quantity_value(self.volume.size) < needed:
            allowed = f"twice resources.memory {self.resources.memory} or more, for the rewrite of the append-only file"
            yield Problem("volume.size", self.volume.size, allowed)
        if self.sentinel and self.instances < LEAST_WITH_SENTINEL:
            allowed = f"{LEAST_WITH_SENTINEL} or more, since a majority must be left to elect (or sentinel: false)"
            yield Problem("instances", self.instances, allowed)
        if not self.sentinel:
            for key, value in (("tls", self.tls), ("backup", self.backup)):
                if value is not None:
                    yield Problem(key, value.model_dump(by_alias=True), "nothing while sentinel is false")
