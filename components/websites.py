"""Websites: the ``Website`` CRD, its controller, and the Website objects of the settings."""

from collections.abc import Iterator

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import Service
from pydantic import Field

from components.base import Component
from components.controllers import (
    HTTP_PORT,
    Controller,
    declare_account,
    declare_crd,
    declare_default_deny,
    declare_deployment,
    declare_election,
    declare_network_policy,
    declare_rights,
)
from components.fields import DnsLabel, Model, Resources
from components.problems import Problem
from components.sites import SiteSettings, website
from components.versions import CONTROLLERS_IMAGE, GIT_SYNC_IMAGE, NGINX_IMAGE, pinned
from controllers.website.names import CONTROLLER, child_name, website_url
from controllers.website.rbac import NAMESPACE_RULES

# A Website's children are named <website>-website, and a Service's name has at most 63 characters.
LONGEST_NAME = 63 - len(child_name(""))


class ControllerSettings(Model):
    """The Website controller."""

    image: str = CONTROLLERS_IMAGE
    """Image made from controllers/Dockerfile, under the name you pushed it to."""
    namespace: DnsLabel = "website-system"
    resources: Resources = Field(default_factory=lambda: Resources(cpu="50m", memory="256Mi"))
    """For 10,000 Websites; a tenth of them needs half of the memory."""
    replicas: int = Field(default=2, ge=1, le=5)
    """One of them works, the others stand by."""
    nginx_image: str = NGINX_IMAGE
    git_sync_image: str = GIT_SYNC_IMAGE


class WebsitesSettings(Model):
    """Static sites served out of Git."""

    enabled: bool = True
    namespace: DnsLabel = "websites"
    """Namespace of the Websites, the only one that the controller may touch."""
    controller: ControllerSettings = Field(default_factory=ControllerSettings)
    sites: dict[DnsLabel, SiteSettings] = Field(default_factory=dict)
    """The Websites of this stack by their names. Sites by the hundred belong in stacks of their own."""

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields."""
        for name, site in self.sites.items():
            yield from (problem.within(f"sites.{name}") for problem in site.problems())
            if len(name) > LONGEST_NAME or name[0].isdigit():
                allowed_name = f"a name of up to {LONGEST_NAME} characters that starts with a letter"
                yield Problem(f"sites.{name}", name, allowed_name)
        if self.controller.namespace == self.namespace:
            other = f"another namespace than that of the Websites, '{self.namespace}'"
            yield Problem("controller.namespace", self.controller.namespace, other)


class Websites(Component):
    """The CRD, the controller with its rights, and the Websites of the settings."""

    def __init__(
        self,
        name: str,
        settings: WebsitesSettings,
        *,
        domain: str,
        protect: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts)
        crd = declare_crd(self, "websites.yaml", protect=protect)
        namespace = self.namespace(settings.namespace, protect=protect)
        # The controller makes a policy for each Website; what else runs beside them is let through to nothing.
        declare_default_deny(self, settings.namespace, [namespace], part="site", resource="default-deny-sites")
        controller = self._controller(settings, domain, protect=protect, depends_on=[crd, namespace])
        for site, spec in settings.sites.items():
            CustomResource(
                f"site-{site}",
                api_version="extensions.example.com/v1",
                kind="Website",
                metadata=self.metadata(site, settings.namespace, component="site"),
                spec=website(spec),
                opts=self.child(depends_on=[controller]),
            )
        self.urls = {
            site: website_url(site, settings.namespace, spec.host, domain) for site, spec in settings.sites.items()
        }
        self.register_outputs({"urls": self.urls})

    def _controller(
        self, settings: WebsitesSettings, domain: str, *, protect: bool, depends_on: list[pulumi.Resource]
    ) -> Deployment:
        system = settings.controller.namespace
        controller = Controller(
            name=CONTROLLER,
            account=CONTROLLER,
            namespace=system,
            module="controllers.website",
            image=settings.controller.image,
            resources=settings.controller.resources,
            replicas=settings.controller.replicas,
            environment={
                "WATCH_NAMESPACE": settings.namespace,
                "CLUSTER_DOMAIN": domain,
                "NGINX_IMAGE": pinned(settings.controller.nginx_image),
                "GIT_SYNC_IMAGE": pinned(settings.controller.git_sync_image),
                "REPORT_URL": f"http://{CONTROLLER}.{system}.svc.{domain}:{HTTP_PORT}",
            },
        )
        home: list[pulumi.Resource] = [self.namespace(system, protect=protect)]
        account = declare_account(self, controller, home)
        rights = declare_rights(self, controller, NAMESPACE_RULES, settings.namespace, [account, *depends_on])
        election = declare_election(self, controller, [account])
        policies = [declare_default_deny(self, system, home), declare_network_policy(self, controller, home)]
        # The Deployment must not wait for it: a Service counts as made when it has endpoints.
        self._report_service(controller, home)
        return declare_deployment(self, controller, [rights, election, *policies, *depends_on])

    def _report_service(self, controller: Controller, depends_on: list[pulumi.Resource]) -> None:
        """Declare where the Websites' pods report their commits to; Prometheus finds the metrics there too."""
        Service(
            "controller",
            metadata=self.metadata(CONTROLLER, controller.namespace, component="controller"),
            spec={
                "selector": controller.labels,
                "ports": [{"name": "http", "port": HTTP_PORT, "target_port": "http"}],
            },
            opts=self.child(depends_on=depends_on),
        )
