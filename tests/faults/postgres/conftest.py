"""A database for each file of tests, and never two at a time."""

from collections.abc import Iterator

import pytest

from sandbox.cluster import real
from tests.faults.postgres.lab import Lab, prod_patroni, started


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if lack := real.missing():
        pytest.skip(lack)
    with started(tmp_path_factory.mktemp("real"), prod_patroni()) as lab:
        yield lab
