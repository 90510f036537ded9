import pytest
from crdwatch_harness import administrator, open_lab
from fault_proxy import FaultProxy
from lightkube import KubeConfig

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
    with administrator(config, declared) as client:
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
