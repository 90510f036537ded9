"""The pod of a Website: git-sync fetches the repository into a volume, nginx serves it from there.

Nothing that a user writes reaches a shell or a configuration file. The image's own nginx configuration
serves ``/usr/share/nginx/html`` on port 8080; the volume is mounted one level up, and ``html`` is a symlink
into it that an init container makes. It points through git-sync's link, which git-sync swaps whole with every
commit, so that a request sees either the old commit or the new one. Values are passed as single arguments.
"""

from dataclasses import dataclass

from lightkube.models.core_v1 import (
    Container,
    ContainerPort,
    EmptyDirVolumeSource,
    ExecAction,
    PodSecurityContext,
    PodSpec,
    PodTemplateSpec,
    Probe,
    ResourceRequirements,
    SeccompProfile,
    TCPSocketAction,
    TopologySpreadConstraint,
    Volume,
    VolumeMount,
)
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta

from controllers.website import git_sync
from controllers.website.containers import requirements, security, temporary
from controllers.website.model import Website
from controllers.website.names import labels, selector

HTTP_PORT = 8080
NGINX_UID = 101
SITE = "/usr/share/nginx"


@dataclass(frozen=True)
class PodOptions:
    """What the pods of all Websites have in common."""

    nginx: str
    """Image of nginx-unprivileged."""
    git_sync: str
    """Image of git-sync v4."""
    report_url: str = ""
    """Where git-sync reports commits to, without a slash at the end; empty: nowhere."""


def pod_template(website: Website, options: PodOptions) -> PodTemplateSpec:
    """Return the pod template; it passes the Pod Security Standard ``restricted``."""
    return PodTemplateSpec(
        metadata=ObjectMeta(labels=labels(website.name)),
        spec=PodSpec(
            automountServiceAccountToken=False,
            enableServiceLinks=False,
            initContainers=[_link(website, options.nginx), git_sync.clone(website, options.git_sync, SITE)],
            containers=[
                _nginx(website, options.nginx),
                git_sync.git_sync(website, options.git_sync, SITE, options.report_url),
            ],
            securityContext=PodSecurityContext(
                # The volume's group: git-sync and the init container write it, nginx reads it.
                fsGroup=git_sync.UID,
                fsGroupChangePolicy="OnRootMismatch",
                runAsNonRoot=True,
                seccompProfile=SeccompProfile(type="RuntimeDefault"),
            ),
            topologySpreadConstraints=[
                TopologySpreadConstraint(
                    maxSkew=1,
                    topologyKey="kubernetes.io/hostname",
                    whenUnsatisfiable="ScheduleAnyway",
                    labelSelector=LabelSelector(matchLabels=selector(website.name)),
                )
            ],
            volumes=[
                _volume("site", "1Gi"),
                _volume("nginx-tmp", "64Mi"),
                _volume("git-sync-tmp", "64Mi"),
                *git_sync.credentials_volume(website),
            ],
        ),
    )


def _link(website: Website, image: str) -> Container:
    target = "/".join(part for part in (git_sync.ROOT, git_sync.LINK, website.path) if part)
    return Container(
        name="link",
        image=image,
        command=["ln", "-sfn", "--", target, f"{SITE}/html"],
        resources=requirements(cpu="10m", memory="16Mi", memory_limit="32Mi"),
        securityContext=security(NGINX_UID),
        volumeMounts=[VolumeMount(name="site", mountPath=SITE)],
    )


def _nginx(website: Website, image: str) -> Container:
    return Container(
        name="nginx",
        image=image,
        # Not by the image's entry point: its scripts want to rewrite files of the read-only root.
        command=["nginx", "-g", "daemon off;"],
        ports=[ContainerPort(name="http", containerPort=HTTP_PORT, protocol="TCP")],
        # A `path` that the repository hasn't got never appears.
        readinessProbe=Probe(exec=ExecAction(command=["test", "-d", f"{SITE}/html/"]), periodSeconds=5),
        livenessProbe=Probe(tcpSocket=TCPSocketAction(port="http"), periodSeconds=10),
        resources=_nginx_resources(website),
        securityContext=security(NGINX_UID),
        volumeMounts=[VolumeMount(name="site", mountPath=SITE, readOnly=True), temporary("nginx-tmp")],
    )


def _nginx_resources(website: Website) -> ResourceRequirements:
    defaults = requirements(cpu="10m", memory="16Mi", memory_limit="64Mi")
    if not website.resources:
        return defaults
    # Both whole, not filled up from the defaults: a limit of ours could be below a request of the user's.
    return ResourceRequirements(
        requests=dict(website.resources.get("requests", {})) or None,
        limits=dict(website.resources.get("limits", {})) or None,
    )


def _volume(name: str, size_limit: str) -> Volume:
    return Volume(name=name, emptyDir=EmptyDirVolumeSource(sizeLimit=size_limit))
