"""Websites: the ``Website`` CRD, its controller, and the Website objects of the settings."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NotRequired, TypedDict, cast

import pulumi
import yaml
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.apps.v1 import Deployment
from pulumi_kubernetes.core.v1 import ServiceAccount
from pulumi_kubernetes.rbac.v1 import PolicyRuleArgs, Role, RoleBinding
from pydantic import AfterValidator, Field

from components.base import Component
from components.fields import DnsLabel, DnsName, Model, Resources, allowed
from components.problems import Problem
from components.versions import CONTROLLERS_IMAGE, GIT_SYNC_IMAGE, NGINX_IMAGE
from controllers.website.names import CONTROLLER, child_name, website_url
from controllers.website.rbac import NAMESPACE_RULES

CRD_FILE = Path(__file__).parent.parent / "crds" / "websites.yaml"
CONTROLLER_LABELS = {"app": CONTROLLER}
HEALTH_PORT = 8080
# Any user that is not root; the image has no user database to agree with.
UID = 65532
# A Website's children are named <website>-website, and a Service's name has at most 63 characters.
LONGEST_NAME = 63 - len(child_name(""))

# The CRD's own rules for gitRepo, said once more so that a wrong one fails before the first rollout too;
# a test holds both to the same answers.
_HOST, _PATH = r"[A-Za-z0-9.-]+", r"[A-Za-z0-9._~%/+-]+"
_USER = r"[A-Za-z0-9_][A-Za-z0-9._-]*@"
_SSH_HOST = r"[A-Za-z0-9][A-Za-z0-9.-]*"
_GIT_REPO = re.compile(
    rf"(https|git)://{_HOST}(:\d{{1,5}})?/{_PATH}"
    rf"|ssh://({_USER})?{_SSH_HOST}(:\d{{1,5}})?/{_PATH}"
    rf"|{_USER}{_SSH_HOST}:[A-Za-z0-9._~%/+]{_PATH}"
)
GitRepo = Annotated[
    str,
    Field(max_length=1024),
    AfterValidator(
        allowed(
            "https://host/path, git://host/path, ssh://[user@]host/path or user@host:path, without a password",
            _GIT_REPO.fullmatch,
        )
    ),
]


class SiteSettings(Model):
    """One ``Website``; what is left out has the default of the CRD's schema."""

    git_repo: GitRepo
    """URL of the Git repository to serve: https, ssh, git or user@host:path."""
    ref: str | None = Field(default=None, min_length=1, max_length=255)
    """Branch, tag or commit hash."""
    path: str | None = Field(default=None, max_length=512)
    """Folder inside the repository."""
    replicas: int | None = Field(default=None, ge=0, le=100)
    host: DnsName | None = None
    """DNS name under which an Ingress publishes the site by HTTPS."""


class ControllerSettings(Model):
    """The Website controller."""

    image: str = CONTROLLERS_IMAGE
    """Image made from controllers/Dockerfile, under the name you pushed it to."""
    namespace: DnsLabel = "website-system"
    resources: Resources = Field(default_factory=lambda: Resources(cpu="50m", memory="128Mi"))
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
        for name in self.sites:
            if len(name) > LONGEST_NAME or name[0].isdigit():
                allowed_name = f"a name of up to {LONGEST_NAME} characters that starts with a letter"
                yield Problem(f"sites.{name}", name, allowed_name)
        if self.controller.namespace == self.namespace:
            other = f"another namespace than that of the Websites, '{self.namespace}'"
            yield Problem("controller.namespace", self.controller.namespace, other)


class WebsiteSpec(TypedDict):
    """``spec`` of extensions.example.com/v1 ``Website``."""

    gitRepo: str
    ref: NotRequired[str]
    path: NotRequired[str]
    replicas: NotRequired[int]
    host: NotRequired[str]


def website(settings: SiteSettings) -> WebsiteSpec:
    """Return the spec of one ``Website``."""
    return cast("WebsiteSpec", settings.model_dump(by_alias=True, exclude_none=True))


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
        crd = self._crd(protect=protect)
        namespace = self.namespace(settings.namespace, protect=protect)
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

    def _crd(self, *, protect: bool) -> CustomResource:
        manifest = cast("dict[str, Any]", yaml.load(CRD_FILE.read_text(), Loader=yaml.CSafeLoader))
        # Untyped, so that the file's own keys reach the API server as they stand; the type token is the same.
        return CustomResource(
            "crd",
            api_version=manifest["apiVersion"],
            kind=manifest["kind"],
            # Deleting a CRD deletes every object of its kind.
            metadata=self.metadata(manifest["metadata"]["name"], component="crd"),
            spec=manifest["spec"],
            opts=self.child(protect=protect),
        )

    def _controller(
        self, settings: WebsitesSettings, domain: str, *, protect: bool, depends_on: list[pulumi.Resource]
    ) -> Deployment:
        system = settings.controller.namespace
        home = self.namespace(system, protect=protect)
        account = ServiceAccount(
            "controller",
            metadata=self.metadata(CONTROLLER, system, component="controller"),
            automount_service_account_token=False,
            opts=self.child(depends_on=[home]),
        )
        role = Role(
            "controller",
            metadata=self.metadata(CONTROLLER, settings.namespace, component="controller"),
            rules=[
                PolicyRuleArgs(api_groups=[*rule.api_groups], resources=[*rule.resources], verbs=[*rule.verbs])
                for rule in NAMESPACE_RULES
            ],
            opts=self.child(depends_on=depends_on),
        )
        binding = RoleBinding(
            "controller",
            metadata=self.metadata(CONTROLLER, settings.namespace, component="controller"),
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": CONTROLLER},
            subjects=[{"kind": "ServiceAccount", "name": CONTROLLER, "namespace": system}],
            opts=self.child(depends_on=[role, account]),
        )
        return Deployment(
            "controller",
            metadata=self.metadata(CONTROLLER, system, component="controller"),
            spec={
                # One writer: a second replica would need an election.
                "replicas": 1,
                "strategy": {"type": "Recreate"},
                "selector": {"match_labels": CONTROLLER_LABELS},
                "template": {
                    "metadata": {"labels": {**self.labels("controller"), **CONTROLLER_LABELS}},
                    "spec": self._pod(settings, domain),
                },
            },
            opts=self.child(depends_on=[binding, *depends_on]),
        )

    def _pod(self, settings: WebsitesSettings, domain: str) -> Any:  # noqa: ANN401 - a nested literal
        controller = settings.controller
        environment = {
            "WATCH_NAMESPACE": settings.namespace,
            "HEALTH_ADDRESS": f"0.0.0.0:{HEALTH_PORT}",
            "CLUSTER_DOMAIN": domain,
            "NGINX_IMAGE": controller.nginx_image,
            "GIT_SYNC_IMAGE": controller.git_sync_image,
        }
        return {
            "service_account_name": CONTROLLER,
            "automount_service_account_token": True,
            "enable_service_links": False,
            "security_context": {
                "run_as_non_root": True,
                "run_as_user": UID,
                "run_as_group": UID,
                "seccomp_profile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "controller",
                    "image": controller.image,
                    "args": ["controllers.website"],
                    "env": [{"name": key, "value": value} for key, value in environment.items()],
                    "ports": [{"name": "health", "container_port": HEALTH_PORT}],
                    "resources": controller.resources.container(),
                    "security_context": {
                        "allow_privilege_escalation": False,
                        "read_only_root_filesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "liveness_probe": {
                        "http_get": {"path": "/healthz", "port": "health"},
                        "period_seconds": 10,
                        "timeout_seconds": 5,
                    },
                }
            ],
        }
