import re
from contextlib import closing

import pytest
from lightkube import Client, KubeConfig, codecs
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition
from memcached_harness import open_lab, until

from tests.unit.declared import declare, stack_file

CRD = "memcacheds.cache.example.com"


@pytest.fixture(scope="session")
def declared():
    """What the stack dev declares: its CRD and its controller's rights are what these tests run with."""
    return declare(stack_file("dev"))


@pytest.fixture(scope="session")
def api(cluster, declared):
    """The API server, as an administrator, with the CRD served."""
    with closing(Client(KubeConfig.from_file(cluster.kubeconfig).get(), field_manager="tests")) as client:
        client.apply(codecs.from_dict(dict(declared.object("CustomResourceDefinition", CRD).inputs)), force=True)

        def established():
            status = client.get(CustomResourceDefinition, CRD).status
            return any(c.type == "Established" and c.status == "True" for c in (status and status.conditions) or [])

        until(established)
        yield client


@pytest.fixture
def lab(api, declared, cluster, tmp_path):
    """A namespace with a controller that isn't started yet."""
    with open_lab(api, declared, cluster.kubeconfig, tmp_path) as lab:
        yield lab


@pytest.fixture
def running(lab):
    """A namespace with a running controller; afterwards nothing may have been denied to it."""
    lab.start()
    yield lab
    denied = [m for m in lab.messages() if re.search(r"orbidden|\b403\b", m["message"])]
    assert not denied
