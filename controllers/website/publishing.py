"""What publishes a Website under its host: an Ingress, or an HTTPRoute of a Gateway."""

from lightkube.core.resource import NamespacedResource
from lightkube.models.networking_v1 import (
    HTTPIngressPath,
    HTTPIngressRuleValue,
    IngressBackend,
    IngressRule,
    IngressServiceBackend,
    IngressSpec,
    IngressTLS,
    ServiceBackendPort,
)
from lightkube.resources.networking_v1 import Ingress

from controllers.website.manifests import SERVICE_PORT, metadata
from controllers.website.model import Gateway, HTTPRoute, Website
from controllers.website.names import child_name


def ingress(website: Website, host: str) -> Ingress:
    """Return the Ingress that publishes the Website at ``host``."""
    name = child_name(website.name)
    backend = IngressBackend(service=IngressServiceBackend(name=name, port=ServiceBackendPort(name="http")))
    path = HTTPIngressPath(path="/", pathType="Prefix", backend=backend)
    return Ingress(
        metadata=metadata(website),
        spec=IngressSpec(
            ingressClassName=website.ingress_class_name,
            rules=[IngressRule(host=host, http=HTTPIngressRuleValue(paths=[path]))],
            tls=[IngressTLS(hosts=[host], secretName=website.tls_secret or f"{name}-tls")],
        ),
    )


def http_route(website: Website, host: str, gateway: Gateway) -> NamespacedResource:
    """Return the HTTPRoute that publishes the Website at ``host`` through ``gateway``."""
    parent = {"name": gateway.name, "namespace": gateway.namespace, "sectionName": gateway.section_name}
    backend = {"name": child_name(website.name), "port": SERVICE_PORT}
    spec = {
        "parentRefs": [{key: value for key, value in parent.items() if value}],
        "hostnames": [host],
        "rules": [{"backendRefs": [backend]}],
    }
    return HTTPRoute(metadata=metadata(website), spec=spec)  # pyright: ignore[reportCallIssue]  a generic resource
