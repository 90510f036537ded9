"""The pod of a Website: git-sync fetches the repository into a volume, nginx serves it from there.

Nothing that a user writes reaches a shell or a configuration file. The image's own nginx configuration
serves ``/usr/share/nginx/html`` on port 8080; the volume is mounted one level up, and ``html`` is a symlink
into it that an init container makes. It points through git-sync's link, which git-sync swaps whole with every
commit, so that a request sees either the old commit or the new one. Values are passed as single arguments.
"""

from dataclasses import dataclass

from lightkube.models.core_v1 import (
    Capabilities,
    Container,
    ContainerPort,
    EmptyDirVolumeSource,
    ExecAction,
    HTTPGetAction,
    PodSecurityContext,
    PodSpec,
    PodTemplateSpec,
    Probe,
    ResourceRequirements,
    SeccompProfile,
    SecurityContext,
    TCPSocketAction,
    TopologySpreadConstraint,
    Volume,
    VolumeMount,
)
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta

from controllers.website.model import Website
from controllers.website.names import labels, selector

HTTP_PORT = 8080
SYNC_PORT = 9312
SYNC_PERIOD = "60s"

# Users of the two images.
NGINX_UID = 101
GIT_SYNC_UID = 65533

SITE = "/usr/share/nginx"
# git-sync empties its root when it finds something strange there: nothing of ours may lie in it.
GIT_ROOT = "git"
GIT_LINK = "current"


@dataclass(frozen=True)
class Images:
    """The two images of a Website's pods."""

    nginx: str
    git_sync: str


def pod_template(website: Website, images: Images) -> PodTemplateSpec:
    """Return the pod template; it passes the Pod Security Standard ``restricted``."""
    return PodTemplateSpec(
        metadata=ObjectMeta(labels=labels(website.name)),
        spec=PodSpec(
            automountServiceAccountToken=False,
            enableServiceLinks=False,
            initContainers=[_link(website, images.nginx)],
            containers=[_nginx(images.nginx), _git_sync(website, images.git_sync)],
            securityContext=PodSecurityContext(
                # The volume's group: git-sync and the init container write it, nginx reads it.
                fsGroup=GIT_SYNC_UID,
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
            ],
        ),
    )


def _link(website: Website, image: str) -> Container:
    target = "/".join(part for part in (GIT_ROOT, GIT_LINK, website.path) if part)
    return Container(
        name="link",
        image=image,
        command=["ln", "-sfn", "--", target, f"{SITE}/html"],
        resources=_resources(cpu="10m", memory="16Mi", memory_limit="32Mi"),
        securityContext=_security(NGINX_UID),
        volumeMounts=[VolumeMount(name="site", mountPath=SITE)],
    )


def _nginx(image: str) -> Container:
    return Container(
        name="nginx",
        image=image,
        # Not by the image's entry point: its scripts want to rewrite files of the read-only root.
        command=["nginx", "-g", "daemon off;"],
        ports=[ContainerPort(name="http", containerPort=HTTP_PORT, protocol="TCP")],
        # The folder appears with the first sync; a `path` that the repository hasn't got never appears.
        readinessProbe=Probe(exec=ExecAction(command=["test", "-d", f"{SITE}/html/"]), periodSeconds=5),
        livenessProbe=Probe(tcpSocket=TCPSocketAction(port="http"), periodSeconds=10),
        resources=_resources(cpu="10m", memory="16Mi", memory_limit="64Mi"),
        securityContext=_security(NGINX_UID),
        volumeMounts=[
            VolumeMount(name="site", mountPath=SITE, readOnly=True),
            VolumeMount(name="nginx-tmp", mountPath="/tmp"),  # noqa: S108  a volume of this container's own
        ],
    )


def _git_sync(website: Website, image: str) -> Container:
    return Container(
        name="git-sync",
        image=image,
        args=[
            f"--repo={website.git_repo}",
            f"--ref={website.ref}",
            f"--root={SITE}/{GIT_ROOT}",
            f"--link={GIT_LINK}",
            f"--period={SYNC_PERIOD}",
            # A repository that is away for a while is no reason to stop serving: retry for ever.
            "--max-failures=-1",
            f"--http-bind=:{SYNC_PORT}",
        ],
        ports=[ContainerPort(name="sync", containerPort=SYNC_PORT, protocol="TCP")],
        # Answers 200 once the first sync is done.
        readinessProbe=Probe(httpGet=HTTPGetAction(path="/", port="sync"), periodSeconds=5),
        resources=_resources(cpu="10m", memory="64Mi", memory_limit="256Mi"),
        securityContext=_security(GIT_SYNC_UID),
        volumeMounts=[
            VolumeMount(name="site", mountPath=SITE),
            VolumeMount(name="git-sync-tmp", mountPath="/tmp"),  # noqa: S108  a volume of this container's own
        ],
    )


def _security(uid: int) -> SecurityContext:
    return SecurityContext(
        allowPrivilegeEscalation=False,
        capabilities=Capabilities(drop=["ALL"]),
        readOnlyRootFilesystem=True,
        runAsUser=uid,
        runAsGroup=uid,
        runAsNonRoot=True,
    )


def _resources(*, cpu: str, memory: str, memory_limit: str) -> ResourceRequirements:
    return ResourceRequirements(requests={"cpu": cpu, "memory": memory}, limits={"cpu": "500m", "memory": memory_limit})


def _volume(name: str, size_limit: str) -> Volume:
    return Volume(name=name, emptyDir=EmptyDirVolumeSource(sizeLimit=size_limit))
