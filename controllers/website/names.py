"""Names and addresses of a Website. Users reach Websites by them: a change here breaks what they saved."""

GROUP = "extensions.example.com"
VERSION = "v1"
KIND = "Website"
PLURAL = "websites"

CONTROLLER = "website-controller"
INSTANCE_LABEL = "app.kubernetes.io/instance"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
HASH_ANNOTATION = f"{PLURAL}.{GROUP}/applied"


def child_name(website: str) -> str:
    """Return the name of a Website's Deployment, Service and Ingress."""
    return f"{website}-website"


def website_url(name: str, namespace: str, host: str | None, domain: str) -> str:
    """Return where a Website answers: at its host by HTTPS, else at its Service in the cluster's domain."""
    if host:
        return f"https://{host}"
    return f"http://{child_name(name)}.{namespace}.svc.{domain}"


def selector(website: str) -> dict[str, str]:
    """Return the labels by which the Deployment and the Service find their pods. They can't change later."""
    return {
        "app.kubernetes.io/name": "website",
        INSTANCE_LABEL: website,
        "app.kubernetes.io/component": "web",
    }


def labels(website: str) -> dict[str, str]:
    """Return the labels of everything made for a Website."""
    return {**selector(website), "app.kubernetes.io/part-of": "platform", MANAGED_BY_LABEL: CONTROLLER}
