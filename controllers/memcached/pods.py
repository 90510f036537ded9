"""The pod of a Memcached: one memcached server, which keeps everything in memory and starts empty."""

from dataclasses import dataclass

from lightkube.models.core_v1 import (
    Capabilities,
    Container,
    ContainerPort,
    PodSecurityContext,
    PodSpec,
    PodTemplateSpec,
    Probe,
    ResourceRequirements,
    SeccompProfile,
    SecurityContext,
    TCPSocketAction,
    TopologySpreadConstraint,
)
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.utils.quantity import parse_quantity

from controllers.memcached.memory import LEAST_MEMORY, MIB, item_mebibytes
from controllers.memcached.names import PORT, labels, selector

# User `memcache` of the publisher's image (docker-library/memcached, debian/Dockerfile, 1.6).
UID = 11211
# memcached's own default; each costs some kilobytes beside the items.
CONNECTIONS = 1024


@dataclass(frozen=True)
class Server:
    """What each node runs, and what it may use: quantities of Kubernetes."""

    image: str
    cpu: str
    cpu_limit: str | None
    memory: str

    def __post_init__(self) -> None:
        """Refuse a limit that leaves no room beside the items."""
        if self._memory_bytes < LEAST_MEMORY:
            raise ValueError(f"{self.memory!r} is not a quantity of at least {LEAST_MEMORY // MIB}Mi")

    @property
    def _memory_bytes(self) -> int:
        return int(parse_quantity(self.memory) or 0)

    @property
    def command(self) -> list[str]:
        """Return the command line of a server; UDP is off by default."""
        return [
            "memcached",
            f"--port={PORT}",
            f"--memory-limit={item_mebibytes(self._memory_bytes)}",
            f"--conn-limit={CONNECTIONS}",
        ]

    @property
    def resources(self) -> ResourceRequirements:
        """Return what the container asks for; a memory limit above the request would let its node overcommit."""
        limits = {"memory": self.memory, **({"cpu": self.cpu_limit} if self.cpu_limit else {})}
        return ResourceRequirements(requests={"cpu": self.cpu, "memory": self.memory}, limits=limits)


def pod_template(memcached: str, server: Server) -> PodTemplateSpec:
    """Return the pod template; it passes the Pod Security Standard ``restricted``."""
    return PodTemplateSpec(
        metadata=ObjectMeta(labels=labels(memcached)),
        spec=PodSpec(
            automountServiceAccountToken=False,
            enableServiceLinks=False,
            containers=[_container(server)],
            securityContext=PodSecurityContext(runAsNonRoot=True, seccompProfile=SeccompProfile(type="RuntimeDefault")),
            # A node that is lost takes as few servers along as can be.
            topologySpreadConstraints=[
                TopologySpreadConstraint(
                    maxSkew=1,
                    topologyKey="kubernetes.io/hostname",
                    whenUnsatisfiable="ScheduleAnyway",
                    labelSelector=LabelSelector(matchLabels=selector(memcached)),
                )
            ],
        ),
    )


def _container(server: Server) -> Container:
    return Container(
        name="memcached",
        image=server.image,
        command=server.command,
        ports=[ContainerPort(name="memcached", containerPort=PORT, protocol="TCP")],
        readinessProbe=Probe(tcpSocket=TCPSocketAction(port="memcached"), periodSeconds=5),
        livenessProbe=Probe(tcpSocket=TCPSocketAction(port="memcached"), periodSeconds=10),
        resources=server.resources,
        securityContext=SecurityContext(
            allowPrivilegeEscalation=False,
            capabilities=Capabilities(drop=["ALL"]),
            readOnlyRootFilesystem=True,
            runAsUser=UID,
            runAsGroup=UID,
            runAsNonRoot=True,
        ),
    )
