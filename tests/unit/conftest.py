"""Fixtures of the unit tests: what each environment's stack file declares."""

import pytest

from tests.unit.declared import Declared, declare, stack_file


@pytest.fixture(scope="session")
def dev() -> Declared:
    return declare(stack_file("dev"), stack_name="dev")


@pytest.fixture(scope="session")
def staging() -> Declared:
    return declare(stack_file("staging"), stack_name="staging")


@pytest.fixture(scope="session")
def prod() -> Declared:
    return declare(stack_file("prod"), stack_name="prod")
