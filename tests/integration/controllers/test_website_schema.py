"""What the API server takes for a Website, and what it refuses."""

import pytest
from lightkube import ApiError
from lightkube.models.meta_v1 import ObjectMeta
from pydantic import ValidationError
from website_harness import GIT_REPO

from components.sites import SiteSettings
from controllers.website.model import WebsiteResource

REPOSITORIES = [
    "https://github.com/luksa/kubia-website-example.git",
    "https://git.example.com:8443/~group/site",
    "git://git.example.com/site.git",
    "ssh://git@git.example.com:22/group/site.git",
    "git@git.example.com:group/site.git",
]
BAD_REPOSITORIES = [
    "",
    "site",
    "/srv/git/site.git",
    "file:///srv/git/site.git",
    "http://git.example.com/site.git",
    "ext::sh -c id",
    "--upload-pack=id",
    "-oProxyCommand=id@host:path",
    "ssh://-oProxyCommand=id/path",
    "git@-oProxyCommand=id:path",
    "https://user:password@git.example.com/site.git",
    "https://git.example.com/a b.git",
    "https://git.example.com/site.git\nhost: evil",
    "https://git.example.com/$(HOSTNAME)",
    "https://git.example.com/" + "a" * 1024,
]


def make(lab, name="kubia", **spec):
    metadata = ObjectMeta(name=name, namespace=lab.namespace)
    return lab.api.create(WebsiteResource(metadata=metadata, spec=spec), dry_run=True)


@pytest.mark.parametrize("repository", REPOSITORIES)
def test_a_git_url_is_taken(lab, repository):
    assert make(lab, gitRepo=repository)["spec"]["gitRepo"] == repository
    assert SiteSettings(git_repo=repository)


@pytest.mark.parametrize("repository", BAD_REPOSITORIES)
def test_what_is_no_safe_git_url_is_refused_with_the_field_named(lab, repository):
    with pytest.raises(ApiError, match=r"spec\.gitRepo"):
        make(lab, gitRepo=repository)
    with pytest.raises(ValidationError, match=r"git_repo|gitRepo"):
        SiteSettings(git_repo=repository)


def test_the_repository_is_required(lab):
    with pytest.raises(ApiError, match=r"spec\.gitRepo"):
        make(lab, ref="main")


def test_defaults_are_filled_in_by_the_api_server(lab):
    assert make(lab, gitRepo=GIT_REPO)["spec"] == {
        "gitRepo": GIT_REPO,
        "ref": "HEAD",
        "path": "",
        "replicas": 1,
        "serviceType": "NodePort",
        "syncPeriod": "60s",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ref", "main"),
        ("ref", "feature/new-look"),
        ("ref", "v1.2.3"),
        ("ref", "5fd4e0c2b0f1d1d0f8f1b6f6f37cf1dd3cbd8b01"),
        ("path", ""),
        ("path", "docs/public_html"),
        ("path", "a.b/c..d"),
        ("replicas", 0),
        ("replicas", 100),
        ("host", "www.example.com"),
    ],
)
def test_a_good_value_is_taken(lab, field, value):
    assert make(lab, gitRepo=GIT_REPO, **{field: value})["spec"][field] == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ref", ""),
        ("ref", "-f"),
        ("ref", "a b"),
        ("ref", "a..b"),
        ("ref", "a.lock"),
        ("ref", "main\n"),
        ("path", "/etc"),
        ("path", ".."),
        ("path", "a/../../etc"),
        ("path", "a//b"),
        ("path", "a/"),
        ("path", ".git"),
        ("path", "a/.GIT/b"),
        ("path", "a;root /"),
        ("path", "$(HOME)"),
        ("credentialsSecret", "Not_A_Name"),
        ("credentialsSecret", "$(HOME)"),
        ("syncPeriod", "4s"),
        ("syncPeriod", "25h"),
        ("syncPeriod", "60"),
        ("syncPeriod", "1s500ms"),
        ("syncPeriod", ""),
        ("resources", {"requests": {"cpu": "lots"}}),
        ("resources", {"limits": {"memory": "64MB"}}),
        ("serviceType", "ExternalName"),
        ("gateway", {"namespace": "gateways"}),
        ("replicas", -1),
        ("replicas", 101),
        ("host", "localhost"),
        ("host", "*.example.com"),
        ("host", "WWW.example.com"),
        ("host", "www.example.com:80"),
        ("host", "a..example.com"),
    ],
)
def test_a_bad_value_is_refused_with_the_field_named(lab, field, value):
    with pytest.raises(ApiError, match=rf"spec\.{field}"):
        make(lab, gitRepo=GIT_REPO, **{field: value})


@pytest.mark.parametrize("name", ["a" * 56, "1site", "www.site"])
def test_a_name_that_no_service_could_carry_is_refused(lab, name):
    with pytest.raises(ApiError, match=r"metadata\.name must be at most 55 characters"):
        make(lab, name, gitRepo=GIT_REPO)


def test_the_longest_name_is_taken(lab):
    assert make(lab, "a" * 55, gitRepo=GIT_REPO)


@pytest.mark.parametrize(
    "spec",
    [
        {"credentialsSecret": "deploy", "syncPeriod": "5s"},
        {"syncPeriod": "1h30m", "resources": {"requests": {"cpu": 1, "memory": "64Mi"}, "limits": {"cpu": "1.5"}}},
        {"host": "a.example.com", "ingressClassName": "internal", "tlsSecret": "wildcard.example.com"},
        {"host": "a.example.com", "gateway": {"name": "public", "namespace": "gateways", "sectionName": "https"}},
        {"serviceType": "LoadBalancer"},
    ],
)
def test_what_a_website_may_say_is_taken(lab, spec):
    assert spec.items() <= make(lab, gitRepo=GIT_REPO, **spec)["spec"].items()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"gateway": {"name": "public"}}, "need a host"),
        ({"tlsSecret": "wildcard"}, "need a host"),
        ({"ingressClassName": "internal"}, "need a host"),
        ({"host": "a.example.com", "gateway": {"name": "g"}, "tlsSecret": "t"}, "gateway excludes"),
        ({"gitRepo": "git://git.example.com/site.git", "credentialsSecret": "deploy"}, "git:// knows no credentials"),
    ],
)
def test_fields_that_exclude_each_other_are_refused_together(lab, spec, message):
    with pytest.raises(ApiError, match=message):
        make(lab, **{"gitRepo": GIT_REPO, **spec})
