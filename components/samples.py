"""Samples: the ``Sample`` CRD, the Sample objects of the settings, and a watcher that logs what becomes of them."""

from typing import TypedDict

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.rbac.v1 import ClusterRole, RoleBinding
from pydantic import Field

from components.base import Component
from components.controllers import (
    Controller,
    declare_account,
    declare_crd,
    declare_default_deny,
    declare_deployment,
    declare_network_policy,
)
from components.fields import DnsLabel, Model, Resources
from components.versions import CONTROLLERS_IMAGE

GROUP, VERSION, PLURAL = "bookofkubernetes.com", "v1", "samples"
READER = "sample-reader"
# Kubernetes' own ClusterRole for reading, which takes in every ClusterRole that bears the label.
VIEW = "view"
AGGREGATE_TO_VIEW = "rbac.authorization.k8s.io/aggregate-to-view"
STATE_FOLDER = "/var/lib/crdwatch"
# Of `spec.value`: what 64 bits hold.
_LEAST, _GREATEST = -(2**63), 2**63 - 1


class SampleSettings(Model):
    """One ``Sample``."""

    value: int = Field(ge=_LEAST, le=_GREATEST)
    """Any whole number of 64 bits."""


class WatcherSettings(Model):
    """The watcher."""

    image: str = CONTROLLERS_IMAGE
    """Image made from controllers/Dockerfile, under the name you pushed it to."""
    resources: Resources = Field(default_factory=lambda: Resources(cpu="10m", memory="128Mi"))


class SamplesSettings(Model):
    """Samples and their watcher."""

    enabled: bool = True
    namespace: DnsLabel = "samples"
    """Namespace of the Samples and of the watcher, the only one that it may read."""
    watcher: WatcherSettings = Field(default_factory=WatcherSettings)
    samples: dict[DnsLabel, SampleSettings] = Field(
        default_factory=lambda: {"somedata": SampleSettings(value=123)},
    )
    """The Samples of this stack by their names."""


class SampleSpec(TypedDict):
    """``spec`` of bookofkubernetes.com/v1 ``Sample``."""

    value: int


class Samples(Component):
    """The CRD, who may read it, the watcher, and the Samples of the settings."""

    def __init__(
        self,
        name: str,
        settings: SamplesSettings,
        *,
        protect: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        crd = declare_crd(self, "samples.yaml", protect=protect)
        namespace = self.namespace(settings.namespace, protect=protect)
        declare_default_deny(self, settings.namespace, [namespace])
        self._watcher(settings, depends_on=[crd, namespace])
        for sample, spec in settings.samples.items():
            CustomResource(
                f"sample-{sample}",
                api_version=f"{GROUP}/{VERSION}",
                kind="Sample",
                metadata=self.metadata(sample, settings.namespace, component="sample"),
                spec=SampleSpec(value=spec.value),
                opts=self.child(depends_on=[crd, namespace]),
            )
        self.register_outputs({})

    def _watcher(self, settings: SamplesSettings, depends_on: list[pulumi.Resource]) -> None:
        watcher = Controller(
            name="watch",
            account="watcher",
            namespace=settings.namespace,
            module="controllers.crdwatch",
            image=settings.watcher.image,
            resources=settings.watcher.resources,
            environment={
                "WATCH_GROUP": GROUP,
                "WATCH_VERSION": VERSION,
                "WATCH_NAMESPACE": settings.namespace,
                "WATCH_RESOURCE": PLURAL,
                "STATE_FILE": f"{STATE_FOLDER}/state.db",
            },
            volumes={STATE_FOLDER: "64Mi"},
        )
        account = declare_account(self, watcher, depends_on)
        rights = self._rights(watcher, depends_on=[account])
        policy = declare_network_policy(self, watcher, depends_on)
        declare_deployment(self, watcher, depends_on=[rights, policy, *depends_on])

    def _rights(self, watcher: Controller, depends_on: list[pulumi.Resource]) -> RoleBinding:
        """Let everyone who may view a namespace read its Samples too, the watcher among them."""
        reader = ClusterRole(
            "reader",
            metadata=self.metadata(READER, component="reader", labels={AGGREGATE_TO_VIEW: "true"}),
            rules=[{"api_groups": [GROUP], "resources": [PLURAL], "verbs": ["get", "watch", "list"]}],
            opts=self.child(),
        )
        return RoleBinding(
            "viewer",
            metadata=self.metadata("viewer", watcher.namespace, component="controller"),
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": VIEW},
            subjects=[{"kind": "ServiceAccount", "name": watcher.account, "namespace": watcher.namespace}],
            opts=self.child(depends_on=[reader, *depends_on]),
        )
