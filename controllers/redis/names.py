"""Names that the controller and the program's component share."""

CONTROLLER = "redis-controller"
# The name that clients ask Sentinel for.
PRIMARY_NAME = "mymaster"
PORT = 6379
SENTINEL_PORT = 26379
ROLE_LABEL = "platform/redis-role"
# The user that the controller asks as: it reads no data, and may change settings of servers.
USER = "sentinel"
# Key of the ConfigMap `<StatefulSet>-state`; there as soon as a replica has had a copy of the data.
LIVED = "lived"


def state_name(stateful_set: str) -> str:
    """Return the name of the ConfigMap that remembers."""
    return f"{stateful_set}-state"
