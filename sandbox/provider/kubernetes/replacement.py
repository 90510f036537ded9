"""Fields whose change makes the official plugin replace the object instead of updating it.

The API server would refuse a change of most of them. Names and namespaces are an object's identity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from sandbox.provider.values import is_list, is_map

if TYPE_CHECKING:
    from sandbox.provider.values import Json

Path: TypeAlias = tuple[str | int, ...]
Pattern: TypeAlias = tuple[str, ...]

EVERY_ELEMENT: Final = "*"

_IDENTITY: Final = ("metadata.name", "metadata.namespace", "kind")
_CONTENT: Final = {("", "ConfigMap"): ("data", "binaryData"), ("", "Secret"): ("data",)}
"""Replaced on any edit unless the provider's configuration calls them mutable."""

_CONTAINER_FIELDS: Final = [
    "args",
    "command",
    "env",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "ports",
    "readinessProbe",
    "resources",
    "securityContext",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
]
_POD_FIELDS: Final = [
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostname",
    "imagePullSecrets",
    "nodeName",
    "nodeSelector",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "volumes",
]
_VOLUME_SOURCES: Final = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "csi",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "glusterfs",
    "hostPath",
    "iscsi",
    "local",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
]

_RULES: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("apps", "DaemonSet"): ("spec.selector",),
    ("apps", "Deployment"): ("spec.selector",),
    ("apps", "StatefulSet"): (
        "spec.podManagementPolicy",
        "spec.revisionHistoryLimit",
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    ("batch", "Job"): ("spec.completions", "spec.parallelism", "spec.selector", "spec.template"),
    ("", "PersistentVolume"): tuple(f"spec.{source}" for source in _VOLUME_SOURCES),
    ("", "PersistentVolumeClaim"): (
        "spec.accessModes",
        "spec.selector",
        "spec.storageClassName",
        "spec.volumeName",
    ),
    ("", "Pod"): (
        *(f"spec.{field}" for field in _POD_FIELDS),
        *(f"spec.containers.*.{field}" for field in _CONTAINER_FIELDS),
        *(f"spec.initContainers.*.{field}" for field in _CONTAINER_FIELDS),
    ),
    ("", "ResourceQuota"): ("spec.scopes",),
    ("", "Secret"): ("type",),
    ("", "Service"): ("spec.clusterIP",),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("storage.k8s.io", "StorageClass"): ("parameters", "provisioner"),
}


def replacing_fields(group: str, kind: str, *, mutable: bool) -> tuple[Pattern, ...]:
    """Return the fields of this kind that force a replacement.

    `mutable` says that a ConfigMap's or Secret's content may be edited in place; other kinds ignore it.
    """
    content = () if mutable else _CONTENT.get((group, kind), ())
    return tuple(tuple(rule.split(".")) for rule in (*_IDENTITY, *_RULES.get((group, kind), ()), *content))


def touches(patterns: tuple[Pattern, ...], path: Path, value: Json) -> bool:
    """Tell whether changing `path` to or from `value` changes any of the fields."""
    return any(_touches(pattern, path, value) for pattern in patterns)


def _touches(pattern: Pattern, path: Path, value: Json) -> bool:
    if not pattern:
        return True
    if path:
        same = pattern[0] == path[0] or (pattern[0] == EVERY_ELEMENT and isinstance(path[0], int))
        return same and _touches(pattern[1:], path[1:], value)
    if pattern[0] == EVERY_ELEMENT:
        return is_list(value) and any(_touches(pattern[1:], (), item) for item in value)
    return is_map(value) and pattern[0] in value and _touches(pattern[1:], (), value[pattern[0]])
