"""The controller in the cluster, and the object in which it remembers that there was data."""

from typing import Any

import pulumi
from pulumi_kubernetes.core.v1 import ConfigMap

from components.base import Component
from components.controllers import (
    Controller,
    declare_account,
    declare_deployment,
    declare_network_policy,
    declare_rights,
)
from components.redis.names import NAME, PORT, SELECTOR, SENTINEL_PORT, STATE, TLS_FOLDER
from components.redis.settings import RedisSettings
from controllers.redis.names import CONTROLLER, USER
from controllers.redis.rbac import rules
from controllers.runtime.rules import ELECTION_RULES

PASSWORDS = "/etc/redis-secret"


def declare_state(
    component: Component, namespace: str, *, protect: bool, depends_on: list[pulumi.Resource]
) -> ConfigMap:
    """Declare the object that the controller writes; pods don't start without it.

    Without `data`: it is the controller's, and what isn't declared is left alone.
    """
    return ConfigMap(
        "state",
        metadata=component.metadata(STATE, namespace, component="server"),
        opts=component.child(depends_on=depends_on, protect=protect),
    )


def declare_controller(
    component: Component, settings: RedisSettings, domain: str, *, depends_on: list[pulumi.Resource]
) -> None:
    """Declare the controller with its rights, which end at this namespace."""
    tls = settings.tls
    controller = Controller(
        name=CONTROLLER,
        account=CONTROLLER,
        namespace=settings.namespace,
        module="controllers.redis",
        image=settings.controller.image,
        resources=settings.controller.resources,
        # With the primary's node one of them may be lost, and its pod isn't replaced for minutes.
        replicas=2,
        environment={
            "WATCH_NAMESPACE": settings.namespace,
            "CLUSTER_DOMAIN": domain,
            "STATEFUL_SET": NAME,
            "PASSWORD_FILE": f"{PASSWORDS}/{USER}",
            **({"CA_FILE": f"{TLS_FOLDER}/ca.crt"} if tls else {}),
        },
        secrets={PASSWORDS: (NAME, USER), **({TLS_FOLDER: (tls.secret, "ca.crt")} if tls else {})},
    )
    egress: list[dict[str, Any]] = [
        {
            "to": [{"pod_selector": {"match_labels": SELECTOR}}],
            "ports": [{"port": port} for port in (PORT, SENTINEL_PORT)],
        },
        {"ports": [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]},
    ]
    account = declare_account(component, controller, depends_on)
    rights = declare_rights(component, controller, [*rules(NAME), *ELECTION_RULES], settings.namespace, [account])
    policy = declare_network_policy(component, controller, depends_on, egress)
    declare_deployment(component, controller, [rights, policy])
