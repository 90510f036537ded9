"""PgBouncer beside the PostgreSQL cluster, run by the operator."""

from collections.abc import Iterator
from typing import Literal, NotRequired, TypedDict

from pydantic import Field

from components.fields import Model, Resources
from components.problems import Problem

# A PgBouncer of fewer connections would get a pool of none from the operator.
_LEAST_POOL = 4


class PoolerSettings(Model):
    """PgBouncer beside the cluster."""

    instances: int = Field(default=2, ge=1)
    """PgBouncers before the primary, and as many before the replicas."""
    mode: Literal["transaction", "session"] = "transaction"
    """When a client gives its connection back: after each transaction, or when it goes."""
    max_db_connections: int = Field(default=60, ge=_LEAST_POOL)
    """Connections to one database that all PgBouncers before the primary may hold together; the operator's default."""
    resources: Resources | None = None
    """Of each PgBouncer; by default what the operator is configured with. Without ``cpuLimit`` it writes its own."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields."""
        # The operator's own sum (`connection_pooler.go`): a share each, half of it a pool, half of that kept open.
        if self.max_db_connections < (least := _LEAST_POOL * self.instances):
            allowed = f"{least} or more, {_LEAST_POOL} for each of instances {self.instances}"
            yield Problem("maxDbConnections", self.max_db_connections, allowed)


class ConnectionPooler(TypedDict):
    """``spec.connectionPooler`` of ``postgresql``."""

    numberOfInstances: int
    mode: Literal["transaction", "session"]
    maxDBConnections: int
    resources: NotRequired[dict[str, dict[str, str]]]
    dockerImage: NotRequired[str]


def connection_pooler(settings: PoolerSettings, image: str | None) -> ConnectionPooler:
    """Return the section; without an image it is the one that the operator is configured with."""
    section: ConnectionPooler = {
        "numberOfInstances": settings.instances,
        "mode": settings.mode,
        "maxDBConnections": settings.max_db_connections,
    }
    if settings.resources:
        section["resources"] = settings.resources.container()
    if image:
        section["dockerImage"] = image
    return section
