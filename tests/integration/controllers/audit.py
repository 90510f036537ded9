"""What a ServiceAccount asked of the API server, by the audit log, beside what it was granted."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

from lightkube import Client
from lightkube.core.resource import NamespacedResource
from lightkube.types import PatchType
from website_harness import eventually

from controllers.runtime.rules import Rule
from controllers.runtime.store import metadata_of
from sandbox.cluster import Cluster

R = TypeVar("R", bound=NamespacedResource)


class Lab(Protocol):
    """A controller in a namespace."""

    api: Client
    namespace: str

    def get(self, resource: type[R], name: str) -> R:
        """Return one live object of the namespace."""
        ...


Right = tuple[str, str, str]
"""API group, resource with its subresource, and verb."""


def requests(cluster: Cluster, namespace: str, account: str) -> list[dict[str, Any]]:
    """Return the audit events of a ServiceAccount's requests."""
    user = f"system:serviceaccount:{namespace}:{account}"
    # A line that is being written has no end yet.
    lines = [line for line in cluster.audit_log.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [event for event in map(json.loads, lines) if event["user"]["username"] == user]


def denied(events: Iterable[dict[str, Any]]) -> list[Any]:
    """Return what the API server's authorization refused."""
    return [e["objectRef"] for e in events if e["annotations"].get("authorization.k8s.io/decision") == "forbid"]


def used(events: Iterable[dict[str, Any]]) -> set[Right]:
    """Return the rights without which the requests would have been refused."""
    found: set[Right] = set()
    for event in events:
        reference = event["objectRef"]
        resource = "/".join(filter(None, (reference["resource"], reference.get("subresource"))))
        found.add((reference.get("apiGroup", ""), resource, event["verb"]))
    return found


def granted(rules: Sequence[Rule]) -> list[Right]:
    """Return the rights that rules give, sorted."""
    return sorted(
        (group, resource, verb)
        for rule in rules
        for group in rule.api_groups
        for resource in rule.resources
        for verb in rule.verbs
    )


def spoken(right: Right) -> str:
    """Return a right as a test's name shows it."""
    group, resource, verb = right
    return f"{verb} {resource}.{group}".rstrip(".")


def edit_by_hand(lab: Lab, kind: type[NamespacedResource], name: str, annotation: str) -> None:
    """Take away an annotation that the controller sets, and wait until it is back."""
    change = {"metadata": {"annotations": {annotation: None}}}
    edited = lab.api.patch(kind, name, change, namespace=lab.namespace, patch_type=PatchType.MERGE)
    assert annotation not in (metadata_of(edited).annotations or {})

    def mended() -> None:
        assert annotation in (metadata_of(lab.get(kind, name)).annotations or {})

    eventually(mended)
