"""Runs every check of preflight and reports all that stands in the way at once."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import pulumi

from components.preflight import crds, database, network, owner, places, removals, rights, storage
from components.preflight.live import PARALLEL, ForbiddenError, LiveCluster, UnreachableError
from components.preflight.settings import CheckName

if TYPE_CHECKING:
    from components.settings import Settings

Check = Callable[["Settings", LiveCluster], Iterator[str]]

REACHABLE: CheckName = "reachable"
OWNER: CheckName = "owner"
CHECKS: Mapping[CheckName, Check] = {
    "version": places.version,
    "nodes": places.nodes,
    "addresses": places.addresses,
    "default-class": storage.second_default,
    "crds": crds.unknown_fields,
    "rights": rights.lacking,
    "pools": network.changed_pools,
    "classes": storage.changed_classes,
    "volumes": storage.shrunk_volumes,
    "database": database.changed_database,
    "removals": removals.removed,
}
"""Questions to a cluster that answers and is the stack's own; each yields what it finds wrong."""


class PreflightError(pulumi.RunError):
    """Something stands in the way on the target cluster; the message lists it all."""

    def __init__(self, context: str, findings: list[str]) -> None:
        self.findings = findings
        count = "1 thing stands" if len(findings) == 1 else f"{len(findings)} things stand"
        lines = [f"{count} in the way on the cluster of context '{context}'; nothing was changed"]
        way_out = "A check that is wrong about your cluster is left out by platform:preflight.skip.<check>: <reason>"
        super().__init__("\n".join([*lines, *(f"  {finding}" for finding in findings), way_out]))


def check(settings: "Settings") -> None:
    """Ask the cluster all that must be known before a rollout.

    Raises:
        PreflightError: something stands in the way.

    """
    skip = settings.preflight.skip
    for name, reason in skip.items():
        pulumi.log.warn(f"preflight: '{name}' is left out: {reason}")
    try:
        findings = _findings(settings)
    except UnreachableError as error:
        if REACHABLE in skip:
            return
        findings = [f"{REACHABLE}: {error}"]
    if findings:
        raise PreflightError(settings.cluster.context, findings)


def _findings(settings: "Settings") -> list[str]:
    with LiveCluster(settings.cluster) as live, ThreadPoolExecutor(PARALLEL) as workers:
        ask = partial(_ask, settings, live)
        # What belongs to another stack is no business of this one: no other finding would make sense.
        if foreign := ask((OWNER, owner.other_stack)):
            return foreign
        return [finding for found in workers.map(ask, CHECKS.items()) for finding in found]


def _ask(settings: "Settings", live: LiveCluster, question: tuple[CheckName, Check]) -> list[str]:
    name, ask = question
    if name in settings.preflight.skip:
        return []
    try:
        return [f"{name}: {finding}" for finding in ask(settings, live)]
    except ForbiddenError as error:
        return [f"{name}: can't be checked, since the kubeconfig's user may not {error}. Give that right, or skip it"]
