"""What a ServiceAccount asked of the API server, by the audit log, beside what it was granted."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from controllers.runtime.rules import Rule
from sandbox.cluster import Cluster

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
        # Server-side apply that makes an object is a patch which needs the right to create too.
        if event["verb"] == "patch" and event["responseStatus"]["code"] == 201:
            found.add((reference.get("apiGroup", ""), resource, "create"))
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
