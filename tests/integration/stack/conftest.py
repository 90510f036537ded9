"""The sandboxes of the stack's tests: one that is up for most of them."""

from collections.abc import Iterator

import pytest

from tests.integration.stack.checkout import Checkout


@pytest.fixture(scope="package")
def rolled_out(toolchain: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """The dev stack, rolled out by `up` in a sandbox of its own."""
    checkout = Checkout(tmp_path_factory.mktemp("rolled-out") / "project")
    try:
        first = checkout.sandbox("up")
        checkout.first_up = first.stdout + first.stderr
        yield checkout
    finally:
        checkout.sandbox("clean", check=False)


@pytest.fixture
def edited(rolled_out: Checkout) -> Iterator[Checkout]:
    """The rolled-out stack, whose settings may be edited; what is rolled out the test takes back itself."""
    yield rolled_out
    rolled_out.restore()


@pytest.fixture
def stack(rolled_out: Checkout) -> Iterator[Checkout]:
    """The rolled-out stack, brought back to dev's own settings after the test."""
    yield rolled_out
    rolled_out.restore()
    rolled_out.up("--refresh")
