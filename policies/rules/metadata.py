"""Labels that every object has, and protection of what holds state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policies.objects import Object, Rule, each

if TYPE_CHECKING:
    from collections.abc import Iterator

_LABELS = tuple(f"app.kubernetes.io/{key}" for key in ("name", "instance", "component", "part-of", "managed-by"))
# Deleting or replacing one loses data, or the network of every pod.
_HOLDS_STATE = frozenset(
    {
        "CustomResourceDefinition",
        "Installation",
        "Namespace",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "StatefulSet",
        "StorageClass",
        "postgresql",
    }
)


def _labels(declared: Object) -> Iterator[str]:
    labels = declared.metadata.get("labels", {})
    if lacking := [key for key in _LABELS if not labels.get(key)]:
        yield f"it lacks the labels {', '.join(lacking)}"


def _protection(declared: Object) -> Iterator[str]:
    if declared.kind in _HOLDS_STATE and not declared.protect:
        yield "it holds state and isn't protected: set platform:protect, or give the resource the option"


LABELS = Rule("labels", "Objects have Kubernetes' recommended labels.", each(_labels))
PROTECTION = Rule("protection", "What holds state is protected.", each(_protection))
