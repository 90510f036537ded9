"""What must not go while others need it: the network, our kinds, namespaces with data."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from components.preflight.database import operator_home
from components.preflight.live import LiveCluster
from components.preflight.network import INSTALLATION
from components.preflight.storage import ours

if TYPE_CHECKING:
    from components.settings import Settings

_OURS = "labelSelector=app.kubernetes.io%2Fpart-of%3Dplatform,app.kubernetes.io%2Fmanaged-by%3Dpulumi"


def removed(settings: "Settings", live: LiveCluster) -> Iterator[str]:
    """Yield what others need and the settings would take away; nothing where nothing is worth protecting."""
    if not settings.protect:
        return
    yield from _network(settings, live)
    yield from _kinds(settings, live)
    yield from _namespaces(settings, live)


def _network(settings: "Settings", live: LiveCluster) -> Iterator[str]:
    installation = None if settings.calico.enabled else live.get(INSTALLATION)
    if installation and ours(installation):
        yield (
            "platform:calico.enabled true -> false: the Installation 'default' would be deleted, and with it the "
            "network of every pod. To leave Calico to somebody else, take the Installation out of the state first: "
            "pulumi state delete <urn of installation>"
        )


def _kinds(settings: "Settings", live: LiveCluster) -> Iterator[str]:
    for edit, kind, path in _kinds_that_go(settings, live):
        others = [item["metadata"] for item in live.items(path) if not ours(item)]
        if others:
            named = ", ".join(sorted(f"{meta['namespace']}/{meta['name']}" for meta in others)[:3])
            yield (
                f"platform:{edit}: the CRD of {kind} would be deleted, and with it {len(others)} objects that others "
                f"made ({named}). Have them removed first"
            )


def _kinds_that_go(settings: "Settings", live: LiveCluster) -> Iterator[tuple[str, str, str]]:
    """Yield what was edited, the kind whose CRD goes with it, and where its objects are; with a CRD, all of them go."""
    if not settings.websites.enabled:
        yield "websites.enabled true -> false", "Website", "/apis/extensions.example.com/v1/websites"
    if not settings.memcached.enabled:
        yield "memcached.enabled true -> false", "Memcached", "/apis/cache.example.com/v1alpha1/memcacheds"
    if not settings.samples.enabled:
        yield "samples.enabled true -> false", "Sample", "/apis/bookofkubernetes.com/v1/samples"
    # The database's kind comes by the operator's chart.
    postgres = settings.postgres
    if not (postgres.enabled and postgres.operator == "chart") and operator_home(live):
        edit = "operator chart -> existing" if postgres.enabled else "enabled true -> false"
        yield f"postgres.{edit}", "postgresql", "/apis/acid.zalan.do/v1/postgresqls"


def _namespaces(settings: "Settings", live: LiveCluster) -> Iterator[str]:
    sections = (
        settings.postgres, settings.redis, settings.websites, settings.memcached, settings.samples
    )  # fmt: skip
    kept = {section.namespace for section in sections if section.enabled}
    gone = {item["metadata"]["name"] for item in live.items(f"/api/v1/namespaces?{_OURS}")} - kept
    if not gone:
        return
    claims = Counter(claim["metadata"]["namespace"] for claim in live.items("/api/v1/persistentvolumeclaims"))
    for name in sorted(gone & set(claims)):
        yield (
            f"namespace '{name}' would be deleted, and with it {claims[name]} volume claims and their data. Switch its "
            f"component on again, or keep its name; if the data may go, take a last backup and run "
            f"kubectl -n {name} delete pvc --all before"
        )
