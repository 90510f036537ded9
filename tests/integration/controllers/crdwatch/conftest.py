from contextlib import closing

import pytest
from crdwatch_harness import open_lab
from fault_proxy import FaultProxy
from lightkube import Client, KubeConfig, codecs
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition
from website_harness import eventually

from tests.unit.declared import declare, stack_file


@pytest.fixture(scope="session")
def declared():
    """What the stack dev declares: its CRD and its watcher's rights are what these tests run with."""
    return declare(stack_file("dev"))


@pytest.fixture(scope="session")
def config(cluster):
    config = KubeConfig.from_file(cluster.kubeconfig).get()
    assert config
    return config


@pytest.fixture(scope="session")
def api(config, declared):
    """The API server, as an administrator, with the CRD served."""
    name = "samples.bookofkubernetes.com"
    with closing(Client(config, field_manager="tests")) as client:
        client.apply(codecs.from_dict(dict(declared.object("CustomResourceDefinition", name).inputs)), force=True)

        def established():
            crd = client.get(CustomResourceDefinition, name)
            assert crd.status
            assert any(c.type == "Established" and c.status == "True" for c in crd.status.conditions or [])

        eventually(established)
        yield client


@pytest.fixture
def proxy(config):
    with FaultProxy(config).running() as proxy:
        yield proxy


@pytest.fixture
def lab(api, declared, proxy, tmp_path):
    """A namespace with a watcher that isn't started yet."""
    with open_lab(api, declared, proxy, tmp_path) as lab:
        yield lab
