"""Decides whether a changed provider configuration points to another cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sandbox.provider.errors import ProviderError
from sandbox.provider.kubernetes.settings import active_cluster
from sandbox.provider.values import has_unknown, reveal

if TYPE_CHECKING:
    from lightkube.config.models import Cluster

    from sandbox.provider.values import Properties


class ProviderDiff(NamedTuple):
    """The configuration's changed keys, and those whose change means another cluster."""

    changed: list[str]
    replacing: list[str]


def compare(old: Properties, new: Properties) -> ProviderDiff:
    """Compare two configurations.

    With a `clusterIdentifier` it alone decides; without one, the cluster that the kubeconfig and its overrides
    select. Where that can't be told (unknown or unreadable), the careful answer is another cluster.
    """
    before, after = reveal(old), reveal(new)
    changed = [key for key in sorted({*before, *after}) if before.get(key) != after.get(key)]
    if "clusterIdentifier" in before or "clusterIdentifier" in after:
        return ProviderDiff(changed, [key for key in changed if key == "clusterIdentifier"])
    selecting = [key for key in changed if key in ("kubeconfig", "context", "cluster")]
    same = selecting and not has_unknown(new) and _cluster(before) == _cluster(after) is not None
    return ProviderDiff(changed, [] if same else selecting)


def _cluster(properties: Properties) -> Cluster | None:
    try:
        chosen = active_cluster(
            str(properties.get("kubeconfig", "")), properties.get("context"), properties.get("cluster")
        )
    except ProviderError:
        return None
    return chosen.cluster
