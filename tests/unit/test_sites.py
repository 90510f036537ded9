"""The Websites of a stack: what the CRD would refuse is refused before anything is registered."""

import pytest
import yaml
from pydantic import ValidationError

from components.controllers import CRDS
from components.sites import SiteSettings, WebsiteSpec, website

REPOSITORY = "https://git.example.com/site.git"
(SERVED,) = yaml.safe_load((CRDS / "websites.yaml").read_text())["spec"]["versions"]
SPEC = SERVED["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]


def site(**fields: object) -> SiteSettings:
    return SiteSettings.model_validate({"gitRepo": REPOSITORY, **fields})


def test_a_site_may_say_what_a_website_may_say():
    assert WebsiteSpec.__annotations__.keys() == SPEC.keys()
    assert {field.alias for field in SiteSettings.model_fields.values()} == SPEC.keys()


def test_what_is_left_out_is_left_to_the_crd():
    assert website(site()) == {"gitRepo": REPOSITORY}
    gateway = {"name": "public", "sectionName": "https"}
    assert website(site(host="a.example.com", gateway=gateway))["gateway"] == gateway  # pyright: ignore[reportTypedDictNotRequiredAccess]


@pytest.mark.parametrize("period", ["5s", "60s", "1h30m", "24h"])
def test_a_sync_period_is_taken(period: str):
    assert site(syncPeriod=period).sync_period == period


@pytest.mark.parametrize("period", ["", "4s", "25h", "60", "1s500ms", "-1m"])
def test_a_sync_period_out_of_bounds_is_refused(period: str):
    with pytest.raises(ValidationError, match="5s to 24h"):
        site(syncPeriod=period)


@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        ({"gateway": {"name": "public"}}, ["gateway"]),
        ({"tlsSecret": "t", "ingressClassName": "i"}, ["ingressClassName", "tlsSecret"]),
        ({"host": "a.example.com", "gateway": {"name": "public"}, "tlsSecret": "t"}, ["tlsSecret"]),
        ({"gitRepo": "git://git.example.com/site.git", "credentialsSecret": "deploy"}, ["credentialsSecret"]),
        ({"host": "a.example.com", "gateway": {"name": "public"}}, []),
        ({"host": "a.example.com", "tlsSecret": "t", "credentialsSecret": "deploy"}, []),
    ],
)
def test_fields_that_exclude_each_other_are_named(fields: dict[str, object], keys: list[str]):
    assert [problem.key for problem in site(**fields).problems()] == keys
