"""What must not happen to storage: a class that changes or goes while volumes use it, a volume that shrinks."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from components.base import PART_OF
from components.fields import quantity_value
from components.preflight.live import Live, LiveCluster, part
from components.redis.names import NAME as REDIS_NAME
from components.storage_classes import IS_DEFAULT, DeclaredClass

if TYPE_CHECKING:
    from components.settings import Settings

CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
# Until Kubernetes 1.6 it was called so, and it still counts.
_OLD_IS_DEFAULT = "storageclass.beta.kubernetes.io/is-default-class"
_SHOWN = 3


def ours(live_object: Live) -> bool:
    """Tell whether a stack of this program declares the object."""
    labels = part(live_object, "metadata", "labels")
    return labels.get("app.kubernetes.io/part-of") == PART_OF and labels.get("app.kubernetes.io/managed-by") == "pulumi"


def _declared(settings: "Settings") -> tuple[DeclaredClass, ...]:
    return settings.longhorn.classes(settings.cluster.nodes) if settings.longhorn.enabled else ()


def second_default(settings: "Settings", live: LiveCluster) -> Iterator[str]:
    """Yield another class that claims without a class could get."""
    mine = {each.name for each in _declared(settings)}
    if not (mine and settings.longhorn.default_class):
        return
    for found in live.items(CLASSES):
        annotations, name = part(found, "metadata", "annotations"), found["metadata"]["name"]
        is_default = "true" in (annotations.get(IS_DEFAULT), annotations.get(_OLD_IS_DEFAULT))
        if is_default and name not in mine and not ours(found):
            yield (
                f"StorageClass '{name}' is the default, and '{_declared(settings)[0].name}' would be one too "
                "(platform:longhorn.defaultClass = true): of two, Kubernetes takes the newer. Set defaultClass: false, "
                f"or run: kubectl annotate storageclass {name} {IS_DEFAULT}=false --overwrite"
            )


def changed_classes(settings: "Settings", live: LiveCluster) -> Iterator[str]:
    """Yield the classes that would be made anew under one name, or dropped while volumes use them."""
    found = {each["metadata"]["name"]: each for each in live.items(CLASSES)}
    declared = _declared(settings)
    for each in declared:
        if each.name in found:
            yield from _changed(each, found[each.name], settings)
    dropped = {name: each for name, each in found.items() if ours(each) and name not in {d.name for d in declared}}
    if dropped:
        users = _users(live)
        for name, each in dropped.items():
            if users[name]:
                yield _dropped(each, users[name], settings)


def _changed(declared: DeclaredClass, old: Live, settings: "Settings") -> Iterator[str]:
    before = {
        "provisioner": old["provisioner"],
        "reclaimPolicy": old.get("reclaimPolicy", "Delete"),
        **{f"parameters.{key}": value for key, value in part(old, "parameters").items()},
    }
    changes = [
        f"{field} {before.get(field)} -> {value}"
        for field, value in declared.immutable.items()
        if before.get(field) != value
    ]
    if changes:
        yield (
            f"StorageClass '{declared.name}': {', '.join(changes)}: Kubernetes can't change a class, and volumes can't "
            f"grow while theirs is away. {_keep(old, settings)}"
        )


def _dropped(old: Live, users: list[str], settings: "Settings") -> str:
    shown = ", ".join(users[:_SHOWN]) + (f" and {len(users) - _SHOWN} more" if len(users) > _SHOWN else "")
    return (
        f"StorageClass '{old['metadata']['name']}' would go, but volumes use it ({shown}) and couldn't grow any more. "
        f"{_keep(old, settings)}"
    )


def _keep(old: Live, settings: "Settings") -> str:
    """Return the lines that keep a class beside a newer one."""
    if not settings.longhorn.enabled:
        return "Keep platform:longhorn.enabled: true until no volume uses it (docs/guide/longhorn.md)"
    parameters = part(old, "parameters")
    version = _version(old["metadata"]["name"])
    older = {
        "version": version,
        "replicas": parameters.get("numberOfReplicas"),
        "reclaimPolicy": old.get("reclaimPolicy"),
        "dataLocality": parameters.get("dataLocality"),
        "fsType": parameters.get("fsType"),
    }
    lines = ", ".join(f"{key}: {value}" for key, value in older.items())
    newer = max(settings.longhorn.class_version, version + 1)
    paths = ["redis", *(path for path, _ in settings.postgres.every_cluster())]
    named = ", ".join(f"platform:{path}.volume.storageClass" for path in paths)
    return (
        f"Keep it beside a newer one: platform:longhorn.classVersion: {newer} and olderClasses: [{{{lines}}}]; "
        f"name it in {named} until their data has moved; or keep its values (platform:longhorn.replicas and so "
        "on) as they are (docs/guide/longhorn.md)"
    )


def _version(name: str) -> int:
    digits = name.rpartition("-v")[2]
    return int(digits) if digits.isdigit() else 1


def _users(live: LiveCluster) -> Mapping[str, list[str]]:
    """Return the claims of each class that have a volume."""
    users: defaultdict[str, list[str]] = defaultdict(list)
    for volume in live.items("/api/v1/persistentvolumes"):
        spec, claim = part(volume, "spec"), part(volume, "spec", "claimRef")
        if spec.get("storageClassName"):
            users[spec["storageClassName"]].append(f"{claim.get('namespace')}/{claim.get('name')}")
    return users


def shrunk_volumes(settings: "Settings", live: LiveCluster) -> Iterator[str]:
    """Yield that Redis' volumes would have to shrink, which none can; PostgreSQL's are the operator's."""
    redis = settings.redis
    if not redis.enabled:
        return
    claims = live.items(f"/api/v1/namespaces/{redis.namespace}/persistentvolumeclaims")
    sizes = [_size(claim) for claim in claims if claim["metadata"]["name"].startswith(f"data-{REDIS_NAME}-")]
    largest = max(sizes, key=quantity_value, default=None)
    if largest and quantity_value(redis.volume.size) < quantity_value(largest):
        yield (
            f"platform:redis.volume.size {largest} -> {redis.volume.size}: volumes can grow, never shrink. "
            "The way is a StatefulSet with smaller volumes, and a copy of the data"
        )


def _size(claim: Live) -> str:
    return str(claim["spec"]["resources"]["requests"]["storage"])
