"""For each rule a declared object that holds to it, and edits of it that don't."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

from policies.objects import Object

URN = "urn:pulumi:prod::platform::kubernetes:apps/v1:{kind}::{name}"
LABELS = {f"app.kubernetes.io/{key}": "shop" for key in ("name", "instance", "component", "part-of", "managed-by")}
GOOD_CONTAINER = {
    "name": "app",
    "image": "docker.io/library/redis:8.2.3@sha256:" + 64 * "a",
    "env": [
        {"name": "PORT", "value": "8080"},
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "shop", "key": "password"}}},
    ],
    "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
    "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080}},
    "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
GOOD = {
    "Deployment": {
        "kind": "Deployment",
        "metadata": {"name": "shop", "namespace": "shop", "labels": LABELS},
        "spec": {
            "replicas": 2,
            "template": {
                "metadata": {"labels": {"app": "shop", "tier": "web"}},
                "spec": {
                    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                    "topologySpreadConstraints": [{"topologyKey": "kubernetes.io/hostname"}],
                    "containers": [GOOD_CONTAINER],
                    "volumes": [{"name": "run", "emptyDir": {}}],
                },
            },
        },
    },
    "PodDisruptionBudget": {
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "shop", "namespace": "shop", "labels": LABELS},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "shop"}}},
    },
    "Namespace": {
        "kind": "Namespace",
        "metadata": {"name": "shop", "labels": {**LABELS, "pod-security.kubernetes.io/enforce": "restricted"}},
    },
    "NetworkPolicy": {
        "kind": "NetworkPolicy",
        "metadata": {"name": "deny", "namespace": "shop", "labels": LABELS},
        "spec": {"podSelector": {}},
    },
    "Role": {
        "kind": "Role",
        "metadata": {"name": "shop", "namespace": "shop", "labels": LABELS},
        "rules": [{"apiGroups": [""], "resources": ["configmaps", "roles"], "verbs": ["get", "list"]}],
    },
    "RoleBinding": {
        "kind": "RoleBinding",
        "metadata": {"name": "shop", "namespace": "shop", "labels": LABELS},
        "roleRef": {"kind": "ClusterRole", "name": "view"},
    },
    "ConfigMap": {
        "kind": "ConfigMap",
        "metadata": {"name": "shop", "namespace": "shop", "labels": LABELS},
        "data": {"url": "https://example.com/a", "token-lifetime": "5m"},
    },
}
Good = Mapping[str, dict[str, Any]]
Edit = Callable[[dict[str, Any]], Any]


def objects(kinds: Good, *, protect: bool = True) -> list[Object]:
    return [
        Object(URN.format(kind=kind, name=properties["metadata"]["name"]), properties, protect)
        for kind, properties in kinds.items()
    ]


def edited(kind: str, edit: Edit) -> list[Object]:
    """Return the good objects, one of them changed."""
    kinds = copy.deepcopy(GOOD)
    edit(kinds[kind])
    return objects(kinds)


def pod(edit: Edit) -> Edit:
    return lambda deployment: edit(deployment["spec"]["template"]["spec"])


def container(edit: Edit) -> Edit:
    return pod(lambda spec: edit(spec["containers"][0]))


def env(name: str, value: str) -> Edit:
    return container(lambda found: found["env"].append({"name": name, "value": value}))


def role(**part: list[str]) -> Edit:
    return lambda found: found["rules"][0].update(part)


# Rule, kind, edit, what the message must say.
BAD: list[tuple[str, str, Edit, str]] = [
    ("image-tag", "Deployment", container(lambda c: c.update(image="docker.io/library/redis")), "its tag is 'missing'"),
    ("image-tag", "Deployment", container(lambda c: c.update(image="localhost:5000/redis")), "its tag is 'missing'"),
    ("image-tag", "Deployment", env("NGINX_IMAGE", "docker.io/library/nginx:latest"), "its tag is 'latest'"),
    ("image-digest", "Deployment", container(lambda c: c.update(image="docker.io/library/redis:8.2.3")), "no digest"),
    ("image-digest", "Deployment", env("GIT_SYNC_IMAGE", "docker.io/library/git:1@sha256:abc"), "no digest"),
    ("image-registry", "Deployment", container(lambda c: c.update(image="quay.io/redis:8")), "isn't one of docker.io/"),
    ("image-registry", "Deployment", env("A_IMAGE", "docker.io/librarything/redis:8"), "isn't one of docker.io/"),
    ("pod-resources", "Deployment", container(lambda c: c.pop("resources")), "has no resources.requests.cpu"),
    ("pod-resources", "Deployment", container(lambda c: c["resources"].pop("limits")), "no resources.limits.memory"),
    ("pod-probes", "Deployment", container(lambda c: c.pop("readinessProbe")), "has no readinessProbe"),
    ("pod-probes", "Deployment", container(lambda c: c.pop("livenessProbe")), "has no livenessProbe"),
    ("pod-restricted", "Deployment", pod(lambda p: p.update(hostNetwork=True)), "hostNetwork is true"),
    ("pod-restricted", "Deployment", pod(lambda p: p["volumes"].append({"name": "h", "hostPath": {}})), "a hostPath"),
    ("pod-restricted", "Deployment", pod(lambda p: p.pop("securityContext")), "may run as root"),
    ("pod-restricted", "Deployment", pod(lambda p: p["securityContext"].update(runAsUser=0)), "may run as root"),
    ("pod-restricted", "Deployment", pod(lambda p: p["securityContext"].pop("seccompProfile")), "no seccompProfile"),
    ("pod-restricted", "Deployment", container(lambda c: c.pop("securityContext")), "allowPrivilegeEscalation: false"),
    (
        "pod-restricted",
        "Deployment",
        container(lambda c: c["securityContext"].update(privileged=True)),
        "is privileged",
    ),
    (
        "pod-restricted",
        "Deployment",
        container(lambda c: c["securityContext"]["capabilities"].update(drop=["NET_RAW"])),
        "doesn't drop the capabilities ALL",
    ),
    (
        "pod-restricted",
        "Deployment",
        container(lambda c: c["securityContext"]["capabilities"].update(add=["SYS_ADMIN"])),
        "adds the capabilities SYS_ADMIN",
    ),
    (
        "pod-restricted",
        "Deployment",
        pod(lambda p: p.update(initContainers=[{"name": "setup", "image": "docker.io/library/redis:8"}])),
        "container 'setup' lacks allowPrivilegeEscalation",
    ),
    ("namespace-restricted", "Namespace", lambda n: n["metadata"].update(labels=LABELS), "level is none"),
    ("rbac-least", "Role", role(verbs=["*"]), "has a wildcard in verbs"),
    ("rbac-least", "Role", role(resources=["pods/*"]), "has a wildcard in resources"),
    ("rbac-least", "Role", role(apiGroups=["*"]), "has a wildcard in apiGroups"),
    ("rbac-least", "Role", role(verbs=["get", "impersonate"]), "allows impersonate"),
    ("rbac-least", "Role", role(verbs=["patch"]), "allows writing roles"),
    ("rbac-least", "RoleBinding", lambda b: b["roleRef"].update(name="cluster-admin"), "binds 'cluster-admin'"),
    (
        "namespace-network-policy",
        "NetworkPolicy",
        lambda n: n["metadata"].update(namespace="b"),
        "has no NetworkPolicy",
    ),
    (
        "replica-disruption",
        "PodDisruptionBudget",
        lambda b: b["spec"]["selector"].update(matchLabels={"app": "other"}),
        "no PodDisruptionBudget selects its pods",
    ),
    (
        "replica-disruption",
        "PodDisruptionBudget",
        lambda b: b["metadata"].update(namespace="other"),
        "selects its pods",
    ),
    ("replica-spread", "Deployment", pod(lambda p: p.pop("topologySpreadConstraints")), "may all share a node"),
    ("plaintext-secret", "Deployment", env("REDIS_PASSWORD", "hunter2"), "'REDIS_PASSWORD' in plain text"),
    ("plaintext-secret", "Deployment", env("BROKER", "amqp://shop:hunter2@broker/"), "'BROKER' in plain text"),
    (
        "plaintext-secret",
        "ConfigMap",
        lambda c: c["data"].update({"api-key": "k"}),
        "key 'api-key' holds what looks like",
    ),
    (
        "plaintext-secret",
        "ConfigMap",
        lambda c: c["data"].update({"id": "-----BEGIN RSA PRIVATE KEY-----"}),
        "key 'id' holds what looks like",
    ),
    ("labels", "ConfigMap", lambda c: c["metadata"].update(labels={}), "lacks the labels app.kubernetes.io/name"),
]
