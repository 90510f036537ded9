"""The typed model against the CRD, which is the one source of the schema."""

import ast
import inspect
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from controllers.website import model
from controllers.website.model import Gateway, Website
from controllers.website.names import GROUP, KIND, PLURAL, VERSION

CRD = yaml.safe_load((Path(__file__).parents[3] / "crds" / "websites.yaml").read_text())
(SERVED,) = CRD["spec"]["versions"]
SPEC = SERVED["schema"]["openAPIV3Schema"]["properties"]["spec"]
# What the model has beside the fields of the spec.
OWN = {"name", "namespace", "uid", "generation", "created", "deleting", "body"}
METADATA = {
    "name": "kubia",
    "namespace": "websites",
    "uid": "uid-1",
    "generation": 1,
    "creationTimestamp": "2026-08-01T12:00:00Z",
}


def snake(name):
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def test_group_version_and_names_are_those_of_the_crd():
    names = CRD["spec"]["names"]
    assert (CRD["spec"]["group"], SERVED["name"]) == (GROUP, VERSION)
    assert (names["kind"], names["plural"]) == (KIND, PLURAL)


def test_the_model_has_every_field_of_the_spec_and_no_other():
    assert {f.name for f in fields(Website)} - OWN == {snake(name) for name in SPEC["properties"]}
    assert {f.name for f in fields(Gateway)} == {snake(name) for name in SPEC["properties"]["gateway"]["properties"]}


def test_a_field_is_read_as_required_exactly_where_the_api_server_makes_sure_of_it():
    source = ast.parse(inspect.getsource(model))
    demanded = {
        node.slice.value
        for node in ast.walk(source)
        if isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == "spec"
        and isinstance(node.slice, ast.Constant)
    }
    sure = {name for name, schema in SPEC["properties"].items() if "default" in schema} | set(SPEC["required"])
    assert demanded == sure


@pytest.mark.parametrize("extra", [{}, {"host": "a.example.com", "gateway": {"name": "g", "sectionName": "https"}}])
def test_a_website_of_defaults_alone_is_read(extra):
    defaults = {name: schema["default"] for name, schema in SPEC["properties"].items() if "default" in schema}
    site = Website.from_object({"metadata": METADATA, "spec": {"gitRepo": "https://a.example/b", **defaults, **extra}})
    assert site.service_type == "NodePort"
    assert site.gateway == (Gateway("g", None, "https") if extra else None)
