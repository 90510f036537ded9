"""What the containers of a Website's pod have in common."""

from lightkube.models.core_v1 import Capabilities, ResourceRequirements, SecurityContext, VolumeMount


def security(uid: int) -> SecurityContext:
    """Return what the Pod Security Standard ``restricted`` asks for, and a read-only root on top."""
    return SecurityContext(
        allowPrivilegeEscalation=False,
        capabilities=Capabilities(drop=["ALL"]),
        readOnlyRootFilesystem=True,
        runAsUser=uid,
        runAsGroup=uid,
        runAsNonRoot=True,
    )


def requirements(*, cpu: str, memory: str, memory_limit: str) -> ResourceRequirements:
    """Return requests and limits; half a CPU is the limit of each, since a sync or a start is a short burst."""
    return ResourceRequirements(requests={"cpu": cpu, "memory": memory}, limits={"cpu": "500m", "memory": memory_limit})


def temporary(volume: str) -> VolumeMount:
    """Return the mount of a container's own volume for temporary files."""
    return VolumeMount(name=volume, mountPath="/tmp")  # noqa: S108  a volume of this container's own
