"""The objects made for a Website, as pure functions of it."""

from lightkube.models.apps_v1 import DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment
from lightkube.models.core_v1 import ServicePort, ServiceSpec
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
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
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Service
from lightkube.resources.networking_v1 import Ingress

from controllers.website.model import Website
from controllers.website.names import child_name, labels, selector
from controllers.website.pods import Images, pod_template

SERVICE_PORT = 80


def deployment(website: Website, images: Images) -> Deployment:
    """Return the Deployment; a rolling update keeps every old pod until a new one is ready."""
    return Deployment(
        metadata=_metadata(website),
        spec=DeploymentSpec(
            replicas=website.replicas,
            revisionHistoryLimit=3,
            selector=LabelSelector(matchLabels=selector(website.name)),
            strategy=DeploymentStrategy(
                type="RollingUpdate", rollingUpdate=RollingUpdateDeployment(maxSurge=1, maxUnavailable=0)
            ),
            template=pod_template(website, images),
        ),
    )


def service(website: Website) -> Service:
    """Return the Service, of type NodePort because the hand-made version's users come in by node ports."""
    return Service(
        metadata=_metadata(website),
        spec=ServiceSpec(
            type="NodePort",
            selector=selector(website.name),
            ports=[ServicePort(name="http", port=SERVICE_PORT, targetPort="http", protocol="TCP")],
        ),
    )


def ingress(website: Website, host: str) -> Ingress:
    """Return the Ingress that publishes the Website at ``host``."""
    name = child_name(website.name)
    backend = IngressBackend(service=IngressServiceBackend(name=name, port=ServiceBackendPort(name="http")))
    path = HTTPIngressPath(path="/", pathType="Prefix", backend=backend)
    return Ingress(
        metadata=_metadata(website),
        spec=IngressSpec(
            rules=[IngressRule(host=host, http=HTTPIngressRuleValue(paths=[path]))],
            tls=[IngressTLS(hosts=[host], secretName=f"{name}-tls")],
        ),
    )


def _metadata(website: Website) -> ObjectMeta:
    return ObjectMeta(
        name=child_name(website.name),
        namespace=website.namespace,
        labels=labels(website.name),
        ownerReferences=[website.owner_reference()],
    )
