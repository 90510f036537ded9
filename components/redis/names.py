"""Names and numbers that the parts of Redis share."""

from controllers.redis.names import CONTROLLER, PORT, PRIMARY_NAME, ROLE_LABEL, SENTINEL_PORT, state_name

__all__ = ["PORT", "PRIMARY_NAME", "ROLE_LABEL", "SENTINEL_PORT"]

# Other teams reach pods as redis-sfs-0.redis-sfs.<namespace>, and the volumes belong to the StatefulSet's name.
NAME = "redis-sfs"
SELECTOR = {"app": NAME}
METRICS_PORT = 9121
# Pods that bear it may connect.
CLIENT_LABEL = {"platform/redis-client": "true"}
CONTROLLER_LABELS = {"app": CONTROLLER}
BACKUP = "redis-backup"
BACKUP_LABELS = {"app": BACKUP}
PRIORITY_CLASS = "platform-data"
# ConfigMap that the controller writes: whether this Redis has ever held data.
STATE = state_name(NAME)
# File beside the scripts with the number of instances.
INSTANCES = "instances"
# User of the published image.
UID = 999

# Where certificates are in each pod.
TLS_FOLDER = "/etc/redis-tls"


def host(ordinal: int, namespace: str, domain: str) -> str:
    """Return the DNS name of a pod."""
    return f"{NAME}-{ordinal}.{NAME}.{namespace}.svc.{domain}"
