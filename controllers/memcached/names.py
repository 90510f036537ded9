"""Names and labels of what is made for a Memcached. Clients find its nodes by them."""

GROUP = "cache.example.com"
VERSION = "v1alpha1"
KIND = "Memcached"
PLURAL = "memcacheds"

CONTROLLER = "memcached-controller"
NAME_LABEL = "app.kubernetes.io/name"
INSTANCE_LABEL = "app.kubernetes.io/instance"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
HASH_ANNOTATION = f"{PLURAL}.{GROUP}/applied"

# memcached's own default.
PORT = 11211


def host(name: str, namespace: str, domain: str) -> str:
    """Return the DNS name that resolves to all ready nodes of a Memcached."""
    return f"{name}.{namespace}.svc.{domain}"


def selector(memcached: str) -> dict[str, str]:
    """Return the labels by which Deployment, Service and budget find the pods. They can't change later."""
    return {
        NAME_LABEL: "memcached",
        INSTANCE_LABEL: memcached,
        "app.kubernetes.io/component": "cache",
    }


def labels(memcached: str) -> dict[str, str]:
    """Return the labels of everything made for a Memcached."""
    return {**selector(memcached), "app.kubernetes.io/part-of": "platform", MANAGED_BY_LABEL: CONTROLLER}
