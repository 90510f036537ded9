"""What was stored before goes on, and the typed model is that of the CRD."""

from pathlib import Path

import pytest
import yaml
from lightkube.core.resource import api_info
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.networking_v1 import Ingress
from lightkube.types import PatchType
from website_harness import eventually

from controllers.website.model import WebsiteResource

STORED = Path(__file__).parent / "stored" / "websites-v1-first.yaml"


@pytest.fixture
def stored(lab):
    """The objects of the file, with their status."""
    objects = yaml.safe_load(STORED.read_text())
    for item in objects:
        item["metadata"]["namespace"] = lab.namespace
        lab.api.create(WebsiteResource(apiVersion=item["apiVersion"], metadata=item["metadata"], spec=item["spec"]))
        store_status(lab, item)
    return objects


def store_status(lab, item):
    change = {"status": item["status"]}
    name = item["metadata"]["name"]
    lab.api.patch(WebsiteResource.Status, name, change, namespace=lab.namespace, patch_type=PatchType.MERGE)


def test_objects_stored_by_the_first_version_are_read_and_served_on(lab, stored):
    lab.start()
    for item in stored:
        name = item["metadata"]["name"]

        def taken_up(name=name):
            assert lab.condition(name, "Synced")

        eventually(taken_up)
        lab.wait_ready(name)
        spec = lab.get(WebsiteResource, name)["spec"]
        assert item["spec"].items() <= spec.items()
        assert {k: v for k, v in spec.items() if k not in item["spec"]} == {
            "serviceType": "NodePort",
            "syncPeriod": "60s",
        }
    assert lab.get(Deployment, "kubia-website")
    assert lab.get(Ingress, "published-website").spec.tls[0].secretName == "published-website-tls"


def test_a_condition_that_was_true_before_keeps_the_time_it_turned(lab, stored):
    lab.start()
    lab.wait_ready("kubia")
    lab.stop()
    (kubia,) = (item for item in stored if item["metadata"]["name"] == "kubia")
    store_status(lab, kubia)  # as the first version left it, with its pods running

    lab.start()
    eventually(lambda: lab.condition("kubia", "Synced"))  # which the first version didn't know
    condition = lab.condition("kubia")
    assert (condition["status"], condition["lastTransitionTime"]) == ("True", "2026-08-01T12:00:00Z")


def test_the_kind_is_that_of_the_crd():
    assert api_info(WebsiteResource).resource.api_version == "extensions.example.com/v1"
