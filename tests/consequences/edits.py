"""The table of edits: settings of the dev stack by area, changed in order, most of them there and back.

Areas are components, and what is done in one doesn't touch another: one update does an edit of each area at once. Edits
of the whole stack come after, one by one. A key with the value None is taken out of the stack file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_NO_POSTGRES: Final = "kwok's pods run no Zalando operator; tests/faults/postgres does"
_NO_CALICO: Final = "no Calico runs in the dev sandbox"
_NO_REDIS: Final = "kwok's pods run no Redis, and redis-controller restarts none that it can't ask; tests/e2e does"
_SECOND_POOL: Final = {"name": "second", "cidr": "172.30.0.0/16"}
_POOL: Final = {"name": "default-ipv4-ippool", "cidr": "172.31.0.0/16", "blockSize": 26}
_KUBIA: Final = "websites.sites.kubia"


@dataclass(frozen=True)
class Edit:
    """One edit of the stack file, or of one of the program's own files."""

    settings: Mapping[str, Any]
    """Dotted key -> new value."""
    back: bool = True
    """Whether undoing it is the next edit."""
    unverified: str = ""
    """Why nothing here can show what it does; such edits are judged and printed, and not counted."""
    file: tuple[str, str, str] | None = None
    """A file of the program, a text in it, and what takes its place."""

    @property
    def name(self) -> str:
        changed = [f"{key} {'as before' if value is None else f'= {value}'}" for key, value in self.settings.items()]
        return ", ".join(changed) if changed or not self.file else f"edited {self.file[0]}"


BY_AREA: Final[Mapping[str, tuple[Edit, ...]]] = {
    "redis": (
        Edit({"redis.instances": 5}),
        Edit({"redis.image": "sandbox.local/redis:7.1"}, unverified=_NO_REDIS),
        Edit({"redis.resources": {"cpu": "200m", "memory": "256Mi"}}, unverified=_NO_REDIS),
        Edit({"redis.passwordVersion": 2}, unverified=_NO_REDIS),
        # Not back: volumes never shrink, and preview refuses it.
        Edit({"redis.volume": {"size": "2Gi"}}, back=False),
        Edit(
            {},
            file=("components/redis/scripts/failover/redis.conf", "appendonly yes", "appendonly  yes"),
            unverified=_NO_REDIS,
        ),
        Edit({"redis.enabled": False}),
    ),
    "longhorn": (Edit({"longhorn.defaultClass": False}),),
    "websites": (
        Edit({f"{_KUBIA}.ref": "main"}),
        Edit({f"{_KUBIA}.replicas": 3}, back=False),
        Edit({f"{_KUBIA}.replicas": 2}, back=False),
        Edit({f"{_KUBIA}.replicas": 0}, back=False),
        Edit({f"{_KUBIA}.replicas": None}, back=False),
        Edit({f"{_KUBIA}.host": "kubia.example.com"}),
        Edit({f"{_KUBIA}.serviceType": "ClusterIP"}),
        Edit({f"{_KUBIA}.path": "docs"}, back=False),
        Edit({f"{_KUBIA}.gitRepo": "https://example.com/team/site.git"}, back=False),
        Edit({f"{_KUBIA}.syncPeriod": "1m"}, back=False),
        Edit({f"{_KUBIA}.resources": {"requests": {"cpu": "20m"}}}, back=False),
        Edit({"websites.sites.handbook": {"gitRepo": "https://example.com/team/handbook.git"}}),
        Edit({"websites.controller.nginxImage": "sandbox.local/nginx:1.23"}, back=False),
        Edit({"websites.controller.resources": {"cpu": "60m", "memory": "256Mi"}}, back=False),
        Edit({"websites.controller.replicas": 3}),
        Edit({"websites.controller.replicas": 1}),
        Edit({"websites.enabled": False}, back=False),
    ),
    "memcached": (
        Edit({"memcached.instances": {"memcached-sample": {"size": 3}}}),
        Edit({"memcached.instances": {"memcached-sample": {"size": 0}}}),
        Edit({"memcached.instances": {"memcached-sample": {"size": 1}, "second": {"size": 2}}}),
        Edit({"memcached.image": "sandbox.local/memcached:1.7"}),
        Edit({"memcached.resources": {"cpu": "60m", "memory": "256Mi"}}),
        Edit({"memcached.controller.replicas": 3}),
        Edit({"memcached.enabled": False}, back=False),
    ),
    "samples": (
        Edit({"samples.watcher.resources": {"cpu": "20m", "memory": "128Mi"}}),
        Edit({"samples.samples": {"somedata": {"value": 5}}}),
        Edit({"samples.samples": {"somedata": {"value": 123}, "more": {"value": 1}}}),
        Edit({"samples.enabled": False}),
    ),
    "postgres": (
        Edit({"postgres.instances": 5}, unverified=_NO_POSTGRES, back=False),
        Edit({"postgres.parameters": {"max_connections": "200"}}, unverified=_NO_POSTGRES, back=False),
        Edit(
            {"postgres.parameters": {"max_connections": "200", "work_mem": "8MB"}}, unverified=_NO_POSTGRES, back=False
        ),
        Edit({"postgres.volume": {"size": "2Gi"}}, unverified=_NO_POSTGRES, back=False),
        Edit({"postgres.patroni": {"synchronousMode": True}}, unverified=_NO_POSTGRES, back=False),
        Edit({"postgres.pooler": {"instances": 2}}, unverified=_NO_POSTGRES),
        # The object itself can be watched, though what its operator does can't.
        Edit({"postgres.name": "other-cluster"}),
        Edit({"postgres.enabled": False}),
    ),
    "calico": (
        Edit({"calico.ipPools": [_POOL, _SECOND_POOL]}, unverified=_NO_CALICO),
        Edit({"calico.ipPools": [{**_POOL, "encapsulation": "VXLAN"}]}, unverified=_NO_CALICO, back=False),
    ),
}

OF_THE_STACK: Final = (
    # Redis and PostgreSQL stay on the class that they have.
    Edit(
        {
            "longhorn.classVersion": 2,
            "longhorn.dataLocality": "best-effort",
            "longhorn.olderClasses": [{"version": 1, "replicas": 3, "reclaimPolicy": "Delete"}],
            "redis.volume": {"size": "2Gi", "storageClass": "longhorn"},
            "postgres.volume": {"size": "2Gi", "storageClass": "longhorn"},
        },
        back=False,
    ),
    Edit({"cluster.domain": "example.local"}, back=False),
    Edit({"protect": True}, back=False),
    Edit({"redis.volume": {"size": "3Gi", "storageClass": "longhorn"}}, back=False),
    Edit({"protect": False}, back=False),
)

SHORT: Final[Mapping[str, tuple[Edit, ...]]] = {
    area: edits[:1] for area, edits in BY_AREA.items() if area not in {"postgres", "calico"}
}
"""What `make test` runs: ten edits in two updates."""
