"""Whether the CRDs of operators that are there already know every field that the stack declares."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from components import calico, calico_objects, longhorn_objects, postgres
from components.longhorn import setting_values
from components.preflight.live import Live, LiveCluster, listed, part

if TYPE_CHECKING:
    from components.settings import Settings

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
# What a schema lets through by these isn't listed in it.
_OPEN = ("x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource")


@dataclass(frozen=True)
class Declared:
    """One object of somebody else's kind, and the settings that it comes from."""

    section: str
    crd: str
    version: str
    content: Mapping[str, Any]


def unknown_fields(settings: "Settings", live: LiveCluster) -> Iterator[str]:
    """Yield missing CRDs, and fields that the CRDs of the cluster don't have."""
    found: dict[str, Live | None] = {}
    for declared in _objects(settings):
        if declared.crd not in found:
            found[declared.crd] = live.get(f"{_CRDS}/{declared.crd}")
            if found[declared.crd] is None:
                yield (
                    f"platform:{declared.section}.operator = 'existing', but the cluster has no CRD {declared.crd}: "
                    "install the operator, or let the stack do it by operator: chart"
                )
        if crd := found[declared.crd]:
            yield from _unknown_in(declared, crd)


def _objects(settings: "Settings") -> Iterator[Declared]:
    network, storage, database = settings.calico, settings.longhorn, settings.postgres
    if network.enabled and network.operator == "existing":
        content = {"spec": calico.installation(network)}
        yield Declared("calico", "installations.operator.tigera.io", "v1", content)
        if felix := calico_objects.felix_configuration(network.felix):
            yield Declared("calico", "felixconfigurations.crd.projectcalico.org", "v1", {"spec": felix})
    if storage.enabled and storage.operator == "existing":
        yield from _of_longhorn(settings)
    if database.enabled and database.operator == "existing":
        for path, cluster in database.every_cluster():
            content = {"spec": postgres.postgresql(cluster, "class")}
            yield Declared(path, "postgresqls.acid.zalan.do", "v1", content)


def _of_longhorn(settings: "Settings") -> Iterator[Declared]:
    storage, cluster = settings.longhorn, settings.cluster
    version = longhorn_objects.API_VERSION.partition("/")[2]
    for job in storage.recurring_jobs:
        content = {"spec": longhorn_objects.recurring_job(job)}
        yield Declared("longhorn", "recurringjobs.longhorn.io", version, content)
    if storage.backup_target:
        content = {"spec": longhorn_objects.backup_target(storage.backup_target)}
        yield Declared("longhorn", "backuptargets.longhorn.io", version, content)
    for value in setting_values(storage, nodes=cluster.nodes, zones=cluster.zones).values():
        yield Declared("longhorn", "settings.longhorn.io", version, {"value": value})


def _unknown_in(declared: Declared, crd: Live) -> Iterator[str]:
    versions = {each["name"]: each for each in listed(crd, "spec", "versions") if each["served"]}
    if declared.version not in versions:
        yield f"CRD {declared.crd} serves {', '.join(versions)}, not {declared.version}: upgrade the operator"
        return
    schema = part(versions[declared.version], "schema", "openAPIV3Schema")
    for path in unknown_paths(schema, declared.content):
        yield (
            f"CRD {declared.crd} doesn't know {path}: the operator is older than the settings of "
            f"platform:{declared.section} expect. Upgrade it, or take that setting back"
        )


def unknown_paths(schema: Mapping[str, Any], value: object, path: str = "") -> Iterator[str]:
    """Yield the fields of ``value`` that a structural schema would drop, values outside its enums among them."""
    if isinstance(value, Mapping):
        yield from _unknown_keys(schema, cast("Mapping[str, object]", value), path)
    elif isinstance(value, list):
        for number, item in enumerate(cast("list[object]", value)):
            yield from unknown_paths(part(schema, "items"), item, f"{path}[{number}]")
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{path} = {value!r}"


def _unknown_keys(schema: Mapping[str, Any], value: Mapping[str, object], path: str) -> Iterator[str]:
    known, others = part(schema, "properties"), schema.get("additionalProperties")
    for key, item in value.items():
        where = f"{path}.{key}" if path else key
        if key in known:
            yield from unknown_paths(known[key], item, where)
        elif isinstance(others, Mapping):
            yield from unknown_paths(cast("Mapping[str, Any]", others), item, where)
        elif not (others or any(schema.get(mark) for mark in _OPEN)):
            yield where
