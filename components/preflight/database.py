"""What must not happen to PostgreSQL: its loss, another team, older major, smaller volume, a moved operator."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from components.fields import quantity_value
from components.postgres import COPY, PostgresSettings, postgresql
from components.preflight.live import Live, LiveCluster, part
from components.preflight.storage import ours

if TYPE_CHECKING:
    from components.settings import Settings


def operator_home(live: LiveCluster) -> str | None:
    """Return the namespace of the operator that a stack of this program installed by its chart, None without one."""
    for configuration in live.items("/apis/acid.zalan.do/v1/operatorconfigurations"):
        home = configuration["metadata"]["namespace"]
        namespace = live.get(f"/api/v1/namespaces/{home}")
        if namespace and ours(namespace):
            return home
    return None


def changed_database(settings: "Settings", live: LiveCluster) -> Iterator[str]:
    """Yield what the operator couldn't do with the clusters that are there, or would do by losing one."""
    section = settings.postgres
    if not section.enabled:
        return
    home = operator_home(live) if section.operator == "chart" else None
    if home and home != section.operator_namespace:
        yield (
            f"platform:postgres.operatorNamespace {home} -> {section.operator_namespace}: the chart has objects of the "
            "whole cluster, which can't be there twice, and the old ones would go with every database. Keep it"
        )
    items = live.items(f"/apis/acid.zalan.do/v1/namespaces/{section.namespace}/postgresqls")
    found = {cluster["metadata"]["name"]: cluster for cluster in items}
    declared: set[str] = set()
    for path, wanted in section.every_cluster():
        declared |= {wanted.name, *wanted.copies}
        if wanted.name in found:
            yield from _changes(path, wanted, found[wanted.name]["spec"])
        for name in wanted.copies:
            if name in found and _filled_otherwise(wanted.copy_settings(name), found[name]["spec"]):
                yield (
                    f"platform:{path}.copies.{name}: this copy exists, and is of another moment or archive. It is "
                    "filled only once: give the new one another name"
                )
    if settings.protect:
        gone = (name for name, cluster in found.items() if name not in declared and ours(cluster))
        yield from (_lost(section, name, found) for name in gone if not _is_copy(found[name]))


def _lost(section: PostgresSettings, name: str, found: Mapping[str, Live]) -> str:
    if section.name not in found:
        return (
            f"platform:postgres.name {name} -> {section.name}: another name is another, empty cluster, and the old "
            "one would be deleted with its data. Keep the name; to move the data, restore a backup elsewhere first"
        )
    return (
        f"platform:postgres.clusters.{name}: it is no longer there, and the cluster would be deleted with its data. "
        f"Keep it; if the data may go, take a last backup, run kubectl -n {section.namespace} delete postgresql {name} "
        "and then pulumi refresh"
    )


def _is_copy(cluster: Live) -> bool:
    return part(cluster, "metadata", "labels").get("app.kubernetes.io/component") == COPY


def _filled_otherwise(wanted: PostgresSettings, old: Live) -> bool:
    """Tell whether the settings ask for data that the cluster wasn't filled with."""
    clone, before = postgresql(wanted, "").get("clone"), part(old, "clone")
    return clone is not None and any(clone[key] != before.get(key) for key in ("timestamp", "s3_wal_path"))


def _changes(path: str, wanted: PostgresSettings, old: Live) -> Iterator[str]:
    if _filled_otherwise(wanted, old):
        yield (
            f"platform:{path}.clone: {wanted.name} exists, and the operator fills a cluster from an archive only "
            f"when it makes it. To have the data beside it, use platform:{path}.copies"
        )
    if old.get("teamId") != wanted.team_id:
        yield (
            f"platform:{path}.teamId {old.get('teamId')} -> {wanted.team_id}: the team is among the labels by which "
            "StatefulSet and Services find their pods, and which can't change. Keep it"
        )
    before, after = str(part(old, "postgresql").get("version", "")), wanted.version
    if before.isdigit() and int(after) < int(before):
        yield (
            f"platform:{path}.version {before} -> {after}: an older PostgreSQL can't read the files of a newer one. "
            "Keep it; the way back is a new cluster and the restore of a dump"
        )
    size = part(old, "volume").get("size")
    if size and quantity_value(wanted.volume.size) < quantity_value(size):
        yield (
            f"platform:{path}.volume.size {size} -> {wanted.volume.size}: volumes can grow, never shrink. "
            "The way is a new cluster and a restore"
        )
