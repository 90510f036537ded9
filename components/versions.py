"""Every version that the stack pins, in one place.

Charts and operators are the publishers' releases of August 2026. An environment may run ahead or behind by
its own settings (``chart.version``, ``operatorVersion``), so that staging tries a version before prod does.
"""

import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ChartRelease:
    """A publisher's Helm chart at one version."""

    chart: str
    repository: str
    version: str


TIGERA_OPERATOR = ChartRelease("tigera-operator", "https://docs.tigera.io/calico/charts", "v3.32.1")
# Calico ships its CRDs in a chart of their own since 3.32, so that upgrading them is a step by itself.
CALICO_CRDS = ChartRelease("crd.projectcalico.org.v1", "https://docs.tigera.io/calico/charts", "v3.32.1")
LONGHORN = ChartRelease("longhorn", "https://charts.longhorn.io", "1.11.3")
POSTGRES_OPERATOR = ChartRelease(
    "postgres-operator", "https://opensource.zalando.com/postgres-operator/charts/postgres-operator", "2.0.1"
)

# Majors that each line of the Zalando operator accepts in `spec.postgresql.version`
# (enum of its CRD, manifests/postgresql.crd.yaml, at 1.14.0, 1.15.1 and 2.0.1).
POSTGRES_MAJORS = {
    "1.14": ("13", "14", "15", "16", "17"),
    "1.15": ("13", "14", "15", "16", "17"),
    "2.0": ("14", "15", "16", "17", "18"),
}
# The first line whose CRD has `topologySpreadConstraints`.
POSTGRES_SPREAD_SINCE = (2, 0)

# StatefulSets keep or delete their claims as the stack says (`persistentVolumeClaimRetentionPolicy`), stable since 1.32
# (Kubernetes' changelog of that release).
OLDEST_KUBERNETES = (1, 32)

REDIS_IMAGE = "docker.io/library/redis:8.2.3-bookworm"
REDIS_EXPORTER_IMAGE = "docker.io/oliver006/redis_exporter:v1.74.0"
MEMCACHED_IMAGE = "docker.io/library/memcached:1.6.39"
NGINX_IMAGE = "docker.io/nginxinc/nginx-unprivileged:1.30.4"
GIT_SYNC_IMAGE = "registry.k8s.io/git-sync/git-sync:v4.7.1"
# Built from controllers/Dockerfile; push it under a name of your own and set `websites.controller.image`.
CONTROLLERS_IMAGE = "ghcr.io/platform/controllers:0.1.0"

# What each tag above stood for when its registry was asked; `make pin` writes it. A tag that isn't in it stays a tag.
LOCK = Path(__file__).parent / "images.lock.json"
_DIGESTS: dict[str, str] = json.loads(LOCK.read_text())


def pinned(image: str) -> str:
    """Return ``image`` with the digest that the lock has for it."""
    digest = _DIGESTS.get(image)
    return f"{image}@{digest}" if digest else image
