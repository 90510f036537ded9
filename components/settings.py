"""The settings of a whole stack: reads the configuration once, checks all of it, reports every fault at once."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, cast

import pulumi
from pulumi.runtime import config as pulumi_config
from pydantic import ValidationError

from components.calico import CalicoSettings
from components.cluster import ClusterSettings
from components.fields import Model
from components.longhorn import LonghornSettings
from components.memcached import MemcachedSettings
from components.postgres import PostgresSettings
from components.preflight.settings import PreflightSettings
from components.problems import Problem, explain
from components.redis import RedisSettings
from components.samples import SamplesSettings
from components.websites import WebsitesSettings

PROJECT = "platform"
SECTIONS: Mapping[str, type[Model]] = {
    "cluster": ClusterSettings,
    "preflight": PreflightSettings,
    "calico": CalicoSettings,
    "longhorn": LonghornSettings,
    "postgres": PostgresSettings,
    "redis": RedisSettings,
    "websites": WebsitesSettings,
    "memcached": MemcachedSettings,
    "samples": SamplesSettings,
}
PROTECT = "protect"
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class Settings:
    """All settings of one stack, valid as a whole."""

    protect: bool
    """Refuse to delete or replace what holds data, and keep volumes. Off in dev only."""
    cluster: ClusterSettings
    preflight: PreflightSettings
    calico: CalicoSettings
    longhorn: LonghornSettings
    postgres: PostgresSettings
    redis: RedisSettings
    websites: WebsitesSettings
    memcached: MemcachedSettings
    samples: SamplesSettings


class SettingsError(pulumi.RunError):
    """Some settings are wrong; the message lists them all."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        count = "1 setting is" if len(problems) == 1 else f"{len(problems)} settings are"
        super().__init__("\n".join([f"{count} wrong; nothing was changed", *(f"  {p}" for p in problems)]))


def load() -> Settings:
    """Return the settings of the current stack.

    Raises:
        SettingsError: some are wrong.

    """
    # The bag has no public listing, and without one a misspelt section would pass unseen.
    values = {**pulumi_config.get_config_env(), **pulumi_config.CONFIG.get()}
    prefix = f"{PROJECT}:"
    own = {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
    return parse(own, secrets={key for key in own if pulumi_config.is_config_secret(prefix + key)})


def parse(values: Mapping[str, str], *, secrets: set[str] | None = None) -> Settings:
    """Return the settings that the configuration stands for.

    Args:
        values: text of each section, JSON for objects, as the engine hands it over.
        secrets: sections that hold a Pulumi secret; messages don't show their values.

    Raises:
        SettingsError: some are wrong.

    """
    known = [PROTECT, *SECTIONS]
    problems = [
        Problem(key, values[key], f"one of the sections {', '.join(known)}") for key in values if key not in known
    ]
    protect = _BOOLEANS.get(values.get(PROTECT, "true"))
    if protect is None:
        problems.append(Problem(PROTECT, values[PROTECT], "true or false"))
    parsed: dict[str, Model] = {}
    for section, model in SECTIONS.items():
        try:
            parsed[section] = _section(model, values.get(section, "{}"))
        except ValidationError as error:
            found = [explain(model, details) for details in error.errors()]
        else:
            found = list(parsed[section].problems())
        problems += [problem.within(section) for problem in found]
    problems += _across(parsed)
    if problems:
        hidden = tuple(secrets or ())
        raise SettingsError([p.redacted_if(p.key.startswith(hidden)).within(PROJECT, ":") for p in problems])
    return Settings(protect=protect is True, **cast("dict[str, Any]", parsed))


def _section(model: type[Model], text: str) -> Model:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    return model.model_validate(value)


def _across(parsed: Mapping[str, Model]) -> Iterator[Problem]:
    """Yield what is wrong between components; a rule waits until the sections it reads are valid."""
    cluster, calico, longhorn = parsed.get("cluster"), parsed.get("calico"), parsed.get("longhorn")
    if isinstance(cluster, ClusterSettings):
        if isinstance(calico, CalicoSettings) and calico.enabled:
            yield from _pools_in_cluster(calico, cluster)
        if isinstance(longhorn, LonghornSettings) and longhorn.enabled:
            yield from _copies_on_nodes(longhorn, cluster)
    if isinstance(longhorn, LonghornSettings) and not longhorn.enabled:
        for section in parsed.values():
            yield from _volumes_without_longhorn(section)


def _pools_in_cluster(calico: CalicoSettings, cluster: ClusterSettings) -> Iterator[Problem]:
    for number, pool in enumerate(calico.ip_pools):
        key, network = f"calico.ipPools[{number}].cidr", ip_network(pool.cidr)
        if cluster.pod_cidr and not network.subnet_of(ip_network(cluster.pod_cidr)):  # type: ignore[arg-type]
            yield Problem(key, pool.cidr, f"a network inside cluster.podCidr {cluster.pod_cidr}")
        if network.overlaps(ip_network(cluster.service_cidr)):
            yield Problem(key, pool.cidr, f"a network outside cluster.serviceCidr {cluster.service_cidr}")


def _copies_on_nodes(longhorn: LonghornSettings, cluster: ClusterSettings) -> Iterator[Problem]:
    if longhorn.replicas and longhorn.replicas > cluster.nodes:
        allowed = f"at most cluster.nodes, {cluster.nodes}: further copies could never be placed"
        yield Problem("longhorn.replicas", longhorn.replicas, allowed)


def _volumes_without_longhorn(settings: Model) -> Iterator[Problem]:
    classes: dict[str, str | None] = {}
    if isinstance(settings, PostgresSettings) and settings.enabled:
        classes = {path: cluster.volume.storage_class for path, cluster in settings.every_cluster()}
    elif isinstance(settings, RedisSettings) and settings.enabled:
        classes = {"redis": settings.volume.storage_class}
    allowed = "the name of a StorageClass of the cluster, since longhorn.enabled is false"
    yield from (Problem(f"{path}.volume.storageClass", None, allowed) for path, name in classes.items() if name is None)
