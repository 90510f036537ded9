"""Memcached: the ``Memcached`` CRD, its controller, and the Memcached objects of the settings."""

from collections.abc import Iterator
from typing import TypedDict

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.networking.v1 import NetworkPolicy
from pydantic import Field

from components.base import Component, from_clients, tcp
from components.controllers import (
    Controller,
    declare_account,
    declare_crd,
    declare_default_deny,
    declare_deployment,
    declare_election,
    declare_network_policy,
    declare_rights,
)
from components.fields import DnsLabel, Model, Resources, quantity_value
from components.problems import Problem
from components.versions import CONTROLLERS_IMAGE, MEMCACHED_IMAGE, pinned
from controllers.memcached.memory import LEAST_MEMORY, MIB
from controllers.memcached.names import CONTROLLER, GROUP, KIND, NAME_LABEL, PORT, VERSION, host
from controllers.memcached.rbac import NAMESPACE_RULES


class InstanceSettings(Model):
    """One ``Memcached``."""

    size: int = Field(default=1, ge=0, le=2**31 - 1)
    """Number of nodes."""


class ControllerSettings(Model):
    """The Memcached controller."""

    image: str = CONTROLLERS_IMAGE
    """Image made from controllers/Dockerfile, under the name you pushed it to."""
    namespace: DnsLabel = "memcached-system"
    replicas: int = Field(default=2, ge=1, le=5)
    """One of them works, the others stand by."""
    resources: Resources = Field(default_factory=lambda: Resources(cpu="50m", memory="128Mi"))


class MemcachedSettings(Model):
    """Caches in memory."""

    enabled: bool = True
    namespace: DnsLabel = "memcached"
    """Namespace of the Memcacheds, the only one that the controller may touch."""
    image: str = MEMCACHED_IMAGE
    """Image of memcached 1.6 whose user has the number 11211."""
    resources: Resources = Field(default_factory=lambda: Resources(cpu="50m", memory="128Mi"))
    """What each node asks for; three quarters of the memory are for items."""
    controller: ControllerSettings = Field(default_factory=ControllerSettings)
    instances: dict[DnsLabel, InstanceSettings] = Field(
        default_factory=lambda: {"memcached-sample": InstanceSettings()},
    )
    """The Memcacheds of this stack by their names."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields."""
        for name in self.instances:
            if name[0].isdigit():
                yield Problem(f"instances.{name}", name, "a name that starts with a letter")
        if quantity_value(self.resources.memory) < LEAST_MEMORY:
            yield Problem("resources.memory", self.resources.memory, f"{LEAST_MEMORY // MIB}Mi or more")
        if self.controller.namespace == self.namespace:
            other = f"another namespace than that of the Memcacheds, '{self.namespace}'"
            yield Problem("controller.namespace", self.controller.namespace, other)


class MemcachedSpec(TypedDict):
    """``spec`` of cache.example.com/v1alpha1 ``Memcached``."""

    size: int


class Memcached(Component):
    """The CRD, the controller with its rights, and the Memcacheds of the settings."""

    def __init__(
        self,
        name: str,
        settings: MemcachedSettings,
        *,
        domain: str,
        protect: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        crd = declare_crd(self, "memcacheds.yaml", protect=protect)
        namespace = self.namespace(settings.namespace, protect=protect)
        controller = self._controller(settings, protect=protect, depends_on=[crd, namespace])
        self._isolate(settings.namespace, depends_on=[namespace])
        declare_default_deny(self, settings.namespace, [namespace], part="instance", resource="default-deny-instances")
        for instance, spec in settings.instances.items():
            CustomResource(
                f"instance-{instance}",
                api_version=f"{GROUP}/{VERSION}",
                kind=KIND,
                metadata=self.metadata(instance, settings.namespace, component="instance"),
                spec=MemcachedSpec(size=spec.size),
                opts=self.child(depends_on=[controller]),
            )
        self.connection = {
            "hosts": {instance: host(instance, settings.namespace, domain) for instance in settings.instances},
            "port": PORT,
        }
        self.register_outputs(self.connection)

    def _controller(
        self, settings: MemcachedSettings, *, protect: bool, depends_on: list[pulumi.Resource]
    ) -> pulumi.Resource:
        controller = Controller(
            name=CONTROLLER,
            account=CONTROLLER,
            namespace=settings.controller.namespace,
            module="controllers.memcached",
            image=settings.controller.image,
            resources=settings.controller.resources,
            replicas=settings.controller.replicas,
            environment={
                "WATCH_NAMESPACE": settings.namespace,
                "MEMCACHED_IMAGE": pinned(settings.image),
                "MEMCACHED_CPU": settings.resources.cpu,
                "MEMCACHED_MEMORY": settings.resources.memory,
                **({"MEMCACHED_CPU_LIMIT": limit} if (limit := settings.resources.cpu_limit) else {}),
            },
        )
        home: list[pulumi.Resource] = [self.namespace(controller.namespace, protect=protect)]
        account = declare_account(self, controller, home)
        rights = declare_rights(self, controller, NAMESPACE_RULES, settings.namespace, [account, *depends_on])
        election = declare_election(self, controller, [account])
        policies = [
            declare_default_deny(self, controller.namespace, home),
            declare_network_policy(self, controller, home),
        ]
        return declare_deployment(self, controller, [rights, election, *policies, *depends_on])

    def _isolate(self, namespace: str, depends_on: list[pulumi.Resource]) -> NetworkPolicy:
        """Let labelled clients alone ask the nodes, since memcached knows no users; the nodes ask nobody."""
        return NetworkPolicy(
            "nodes",
            metadata=self.metadata("memcached", namespace, component="instance"),
            spec={
                "pod_selector": {"match_labels": {NAME_LABEL: "memcached"}},
                "policy_types": ["Ingress", "Egress"],
                "ingress": [{"from_": [from_clients("memcached")], "ports": tcp(PORT)}],
            },
            opts=self.child(depends_on=depends_on),
        )
