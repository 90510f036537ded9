"""The objects made for a Memcached, as pure functions of it."""

from lightkube.models.apps_v1 import DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment
from lightkube.models.core_v1 import ServicePort, ServiceSpec
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.models.policy_v1 import PodDisruptionBudgetSpec
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Service
from lightkube.resources.policy_v1 import PodDisruptionBudget

from controllers.memcached.model import Memcached
from controllers.memcached.names import PORT, labels, selector
from controllers.memcached.pods import Server, pod_template


def deployment(memcached: Memcached, server: Server) -> Deployment:
    """Return the Deployment; a rolling update replaces one server at a time, since each takes its items along."""
    return Deployment(
        metadata=_metadata(memcached),
        spec=DeploymentSpec(
            replicas=memcached.size,
            revisionHistoryLimit=3,
            selector=LabelSelector(matchLabels=selector(memcached.name)),
            strategy=DeploymentStrategy(
                type="RollingUpdate", rollingUpdate=RollingUpdateDeployment(maxSurge=1, maxUnavailable=0)
            ),
            template=pod_template(memcached.name, server),
        ),
    )


def service(memcached: Memcached) -> Service:
    """Return the headless Service: its DNS name resolves to every ready node, since clients choose among them."""
    return Service(
        metadata=_metadata(memcached),
        spec=ServiceSpec(
            clusterIP="None",
            selector=selector(memcached.name),
            ports=[ServicePort(name="memcached", port=PORT, targetPort="memcached", protocol="TCP")],
        ),
    )


def budget(memcached: Memcached) -> PodDisruptionBudget | None:
    """Return the disruption budget; none for a single node, which no drain could ever get past."""
    if memcached.size <= 1:
        return None
    return PodDisruptionBudget(
        metadata=_metadata(memcached),
        spec=PodDisruptionBudgetSpec(
            maxUnavailable=1,
            selector=LabelSelector(matchLabels=selector(memcached.name)),
            # A pod that doesn't run holds nothing worth keeping a drain waiting for.
            unhealthyPodEvictionPolicy="AlwaysAllow",
        ),
    )


def _metadata(memcached: Memcached) -> ObjectMeta:
    return ObjectMeta(
        name=memcached.name,
        namespace=memcached.namespace,
        labels=labels(memcached.name),
        ownerReferences=[memcached.owner_reference()],
    )
