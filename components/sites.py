"""Settings of the Websites that a stack declares itself."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal, NotRequired, TypedDict, cast

from pydantic import AfterValidator, Field

from components.fields import DnsLabel, DnsName, Model, Quantity, allowed
from components.problems import Problem

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


_PERIOD = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_SHORTEST, _LONGEST = 5, 24 * 3600


def _is_sync_period(text: str) -> bool:
    match = _PERIOD.fullmatch(text)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    return _SHORTEST <= hours * 3600 + minutes * 60 + seconds <= _LONGEST


SyncPeriod = Annotated[str, AfterValidator(allowed("a duration of 5s to 24h, such as 30s or 1h30m", _is_sync_period))]


class GatewaySettings(Model):
    """A Gateway that publishes a site."""

    name: DnsLabel
    namespace: DnsLabel | None = None
    """The Websites' own, when there is none."""
    section_name: DnsLabel | None = None
    """Listener of the Gateway; all that fit, when there is none."""


class SiteResources(Model):
    """Requests and limits of a site's web server."""

    requests: dict[Literal["cpu", "memory"], Quantity] = Field(default_factory=dict)
    limits: dict[Literal["cpu", "memory"], Quantity] = Field(default_factory=dict)


class SiteSettings(Model):
    """One ``Website``; what is left out has the default of the CRD's schema."""

    git_repo: GitRepo
    """URL of the Git repository to serve: https, ssh, git or user@host:path."""
    ref: str | None = Field(default=None, min_length=1, max_length=255)
    """Branch, tag or commit hash."""
    path: str | None = Field(default=None, max_length=512)
    """Folder inside the repository."""
    credentials_secret: DnsName | None = None
    """Secret with the credentials of a private repository, which you provide."""
    sync_period: SyncPeriod | None = None
    """How often the repository is asked for new commits: 5s to 24h."""
    resources: SiteResources | None = None
    replicas: int | None = Field(default=None, ge=0, le=100)
    host: DnsName | None = None
    """DNS name under which an Ingress, or a Gateway's HTTPRoute, publishes the site by HTTPS."""
    ingress_class_name: DnsName | None = None
    tls_secret: DnsName | None = None
    """Secret with the Ingress's certificate."""
    gateway: GatewaySettings | None = None
    """Gateway that publishes the host in place of an Ingress."""
    service_type: Literal["ClusterIP", "NodePort", "LoadBalancer"] | None = None

    def problems(self) -> Iterator[Problem]:
        """Yield what the CRD's rules between fields would refuse."""
        of_ingress = {"ingressClassName": self.ingress_class_name, "tlsSecret": self.tls_secret}
        set_ones = {key: value for key, value in of_ingress.items() if value}
        if not self.host:
            for key, value in {**set_ones, **({"gateway": self.gateway.name} if self.gateway else {})}.items():
                yield Problem(key, value, "nothing where there is no host")
        elif self.gateway:
            for key, value in set_ones.items():
                yield Problem(key, value, "nothing beside a gateway, which holds class and certificate itself")
        if self.credentials_secret and self.git_repo.startswith("git://"):
            yield Problem(
                "credentialsSecret", self.credentials_secret, "nothing for git://, which knows no credentials"
            )


class WebsiteSpec(TypedDict):
    """``spec`` of extensions.example.com/v1 ``Website``."""

    gitRepo: str
    ref: NotRequired[str]
    path: NotRequired[str]
    replicas: NotRequired[int]
    credentialsSecret: NotRequired[str]
    syncPeriod: NotRequired[str]
    resources: NotRequired[dict[str, dict[str, str]]]
    host: NotRequired[str]
    ingressClassName: NotRequired[str]
    tlsSecret: NotRequired[str]
    gateway: NotRequired[dict[str, str]]
    serviceType: NotRequired[str]


def website(settings: SiteSettings) -> WebsiteSpec:
    """Return the spec of one ``Website``."""
    return cast("WebsiteSpec", settings.model_dump(by_alias=True, exclude_none=True))
