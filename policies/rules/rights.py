"""RBAC: no wildcards, and no right by which an account could give itself more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.objects import Object, Properties, Rule, each

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROLES = frozenset({"Role", "ClusterRole"})
_BINDINGS = frozenset({"RoleBinding", "ClusterRoleBinding"})
_PARTS = ("apiGroups", "resources", "verbs")
_WRITE = frozenset({"create", "update", "patch"})
# Verbs and resources by which rights grow (Kubernetes, "RBAC good practices", privilege escalation risks).
_ESCALATING_VERBS = frozenset({"escalate", "bind", "impersonate"})
_ESCALATING_RESOURCES = frozenset(
    {
        "roles",
        "rolebindings",
        "clusterroles",
        "clusterrolebindings",
        "serviceaccounts/token",
        "pods/exec",
        "pods/attach",
        "nodes/proxy",
        "certificatesigningrequests/approval",
        "validatingwebhookconfigurations",
        "mutatingwebhookconfigurations",
    }
)


def _rights(declared: Object) -> Iterator[str]:
    if declared.kind in _ROLES:
        for number, rule in enumerate(declared.properties.get("rules", ())):
            yield from (f"rules[{number}] {fault}" for fault in _rule_faults(rule))
    if declared.kind in _BINDINGS:
        role = declared.properties["roleRef"]["name"]
        if role in {"cluster-admin", "admin", "edit"}:
            yield f"it binds '{role}', which holds more than any part of the platform needs"


def _rule_faults(rule: Properties) -> Iterator[str]:
    for part in _PARTS:
        if any("*" in value for value in rule.get(part, ())):
            yield f"has a wildcard in {part}"
    verbs, resources = set(rule.get("verbs", ())), set(rule.get("resources", ()))
    if escalating := verbs & _ESCALATING_VERBS:
        yield f"allows {', '.join(sorted(escalating))}, by which an account gives itself more rights"
    if verbs & _WRITE and (escalating := resources & _ESCALATING_RESOURCES):
        yield f"allows writing {', '.join(sorted(escalating))}, by which an account gives itself more rights"


RIGHTS = Rule("rbac-least", "Roles have no wildcards and can't grow.", each(_rights))
