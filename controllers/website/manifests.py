"""The objects made for a Website, as pure functions of it; see also `controllers.website.publishing`."""

import re

from lightkube.models.apps_v1 import DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment
from lightkube.models.core_v1 import ServicePort, ServiceSpec
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.models.networking_v1 import (
    NetworkPolicyEgressRule,
    NetworkPolicyIngressRule,
    NetworkPolicyPeer,
    NetworkPolicyPort,
    NetworkPolicySpec,
)
from lightkube.models.policy_v1 import PodDisruptionBudgetSpec
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Service
from lightkube.resources.networking_v1 import NetworkPolicy
from lightkube.resources.policy_v1 import PodDisruptionBudget

from controllers.website.model import Website
from controllers.website.names import child_name, labels, selector
from controllers.website.pods import HTTP_PORT, PodOptions, pod_template

SERVICE_PORT = 80
DNS_PORT = 53
# Without a port in the URL; `user@host:path` is ssh.
_DEFAULT_PORTS = {"https": 443, "git": 9418, "ssh": 22}


def metadata(website: Website) -> ObjectMeta:
    """Return the metadata that all children have."""
    return ObjectMeta(
        name=child_name(website.name),
        namespace=website.namespace,
        labels=labels(website.name),
        ownerReferences=[website.owner_reference()],
    )


def deployment(website: Website, options: PodOptions) -> Deployment:
    """Return the Deployment; a rolling update keeps every old pod until a new one is ready."""
    return Deployment(
        metadata=metadata(website),
        spec=DeploymentSpec(
            replicas=website.replicas,
            revisionHistoryLimit=3,
            selector=LabelSelector(matchLabels=selector(website.name)),
            strategy=DeploymentStrategy(
                type="RollingUpdate", rollingUpdate=RollingUpdateDeployment(maxSurge=1, maxUnavailable=0)
            ),
            template=pod_template(website, options),
        ),
    )


def service(website: Website) -> Service:
    """Return the Service."""
    return Service(
        metadata=metadata(website),
        spec=ServiceSpec(
            type=website.service_type,
            selector=selector(website.name),
            ports=[ServicePort(name="http", port=SERVICE_PORT, targetPort="http", protocol="TCP")],
        ),
    )


def network_policy(website: Website, options: PodOptions) -> NetworkPolicy:
    """Return the NetworkPolicy: anyone may read the site; the pods reach DNS, the repository and our reports."""
    egress = [
        NetworkPolicyEgressRule(ports=[_port(DNS_PORT, "UDP"), _port(DNS_PORT)]),
        # To any address, since a policy knows no host names.
        NetworkPolicyEgressRule(ports=[_port(repository_port(website.git_repo))]),
    ]
    if options.report_url:
        inside = [NetworkPolicyPeer(namespaceSelector=LabelSelector())]
        egress.append(NetworkPolicyEgressRule(to=inside, ports=[_port(_port_of(options.report_url, 80))]))
    return NetworkPolicy(
        metadata=metadata(website),
        spec=NetworkPolicySpec(
            podSelector=LabelSelector(matchLabels=selector(website.name)),
            policyTypes=["Ingress", "Egress"],
            ingress=[NetworkPolicyIngressRule(ports=[_port(HTTP_PORT)])],
            egress=egress,
        ),
    )


def disruption_budget(website: Website) -> PodDisruptionBudget:
    """Return the PodDisruptionBudget of a Website of several pods: a drain takes one at a time."""
    return PodDisruptionBudget(
        metadata=metadata(website),
        spec=PodDisruptionBudgetSpec(
            maxUnavailable=1,
            selector=LabelSelector(matchLabels=selector(website.name)),
            # Else a pod that never gets ready, for instance of a wrong `path`, would block every drain.
            unhealthyPodEvictionPolicy="AlwaysAllow",
        ),
    )


def repository_port(git_repo: str) -> int:
    """Return the TCP port that a repository is fetched from."""
    scheme, separator, _ = git_repo.partition("://")
    return _port_of(git_repo, _DEFAULT_PORTS[scheme]) if separator else _DEFAULT_PORTS["ssh"]


def _port_of(url: str, default: int) -> int:
    explicit = re.match(r"[a-z]+://[^/]*:(\d+)(/|$)", url)
    return int(explicit[1]) if explicit else default


def _port(number: int, protocol: str = "TCP") -> NetworkPolicyPort:
    return NetworkPolicyPort(port=number, protocol=protocol)
