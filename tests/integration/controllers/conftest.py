import re
from contextlib import closing

import pytest
import yaml
from lightkube import Client, KubeConfig, codecs
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition
from website_harness import REPOSITORY, eventually, open_lab


@pytest.fixture(scope="session")
def api(cluster):
    """The API server, as an administrator, with our CRD served."""
    config = KubeConfig.from_file(cluster.kubeconfig).get()
    manifest = yaml.safe_load((REPOSITORY / "crds" / "websites.yaml").read_text())
    with closing(Client(config, field_manager="tests")) as client:
        client.apply(codecs.from_dict(manifest), force=True)

        def established():
            crd = client.get(CustomResourceDefinition, manifest["metadata"]["name"])
            assert crd.status
            assert any(c.type == "Established" and c.status == "True" for c in crd.status.conditions or [])

        eventually(established)
        yield client


@pytest.fixture
def lab(api, cluster, tmp_path):
    """A namespace with a controller that isn't started yet."""
    with open_lab(api, cluster.kubeconfig, tmp_path) as lab:
        yield lab


@pytest.fixture
def running(lab):
    """A namespace with a running controller; afterwards nothing may have been denied to it."""
    lab.start()
    yield lab
    denied = [m for m in lab.messages() if "orbidden" in m["message"] or re.search(r"\b403\b", m["message"])]
    assert not denied
