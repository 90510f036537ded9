"""The stack's exports: the contract with other teams, ``platform/v1``.

Keys are only ever added. A component that is switched off exports null under its key.
"""

from collections.abc import Mapping
from typing import Any

import pulumi

API_VERSION = "platform/v1"


def export(
    *,
    network: Mapping[str, Any] | None,
    storage: Mapping[str, Any] | None,
    postgres: Mapping[str, Any] | None,
    redis: Mapping[str, Any] | None,
    websites: Mapping[str, Any] | None,
    memcached: Mapping[str, Any] | None,
) -> None:
    """Export the contract.

    Args:
        network: ``podCidrs``, the networks that pods have addresses of.
        storage: ``storageClass``, the class to name in volume claims.
        postgres: ``host`` (primary), ``replicaHost`` (reads), ``poolerHost`` and ``poolerReplicaHost`` (the same by
            PgBouncer; null where there is none), ``port``, ``database``, ``user``,
            ``credentialsSecret`` (``namespace``, ``name``, ``usernameKey``, ``passwordKey``) and ``clusters``, the same
            of each further cluster by its name.
        redis: ``host`` (primary), ``replicaHosts``, ``port``, ``username``, ``passwordSecret``
            (``namespace``, ``name``, ``key``), ``sentinel`` (``hosts``, ``port``, ``masterName``; null where
            there is none) and ``tls``.
        websites: ``urls``, the address of each Website by its name.
        memcached: ``hosts``, the DNS name of all nodes of each Memcached by its name, and ``port``.

    """
    pulumi.export("apiVersion", API_VERSION)
    pulumi.export("network", network)
    pulumi.export("storage", storage)
    pulumi.export("postgres", postgres)
    pulumi.export("redis", redis)
    pulumi.export("websites", websites)
    pulumi.export("memcached", memcached)
