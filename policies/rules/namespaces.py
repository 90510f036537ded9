"""Namespaces: each enforces `restricted`, and none is open to the whole cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.objects import Object, Options, Rule, Violation, each

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ENFORCE = "pod-security.kubernetes.io/enforce"


def _enforces(declared: Object) -> Iterator[str]:
    if declared.kind != "Namespace":
        return
    level = declared.metadata.get("labels", {}).get(_ENFORCE)
    if level != "restricted":
        yield f"its Pod Security level is {level or 'none'}; allowed is restricted"


def _isolated(objects: Sequence[Object], _: Options) -> Iterator[Violation]:
    closed = {declared.namespace for declared in objects if declared.kind == "NetworkPolicy"}
    for declared in objects:
        if declared.kind == "Namespace" and declared.name not in closed:
            yield Violation(declared.urn, declared.subject, "it has no NetworkPolicy, so every pod may reach its pods")


POD_SECURITY = Rule("namespace-restricted", "Namespaces enforce restricted.", each(_enforces))
ISOLATION = Rule("namespace-network-policy", "Every namespace has a NetworkPolicy.", _isolated, alone=False)
