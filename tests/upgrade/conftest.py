"""A sandbox in which nothing is rolled out yet: an API server, the publishers' CRDs and an empty stack."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import cluster as control_plane
from sandbox.toolchain import Toolchain
from sandbox.toolchain.crds import ensure_crds
from tests.integration.stack.checkout import Checkout

Bare = Callable[[str], Checkout]


@pytest.fixture
def bare(toolchain: Toolchain, tmp_path: Path) -> Iterator[Bare]:
    """Start such a sandbox, with a passphrase of the test's choice."""
    started: list[Checkout] = []

    def start(passphrase: str) -> Checkout:
        checkout = Checkout(tmp_path / "project")
        checkout.edit(_as_before_the_chart)
        folder = checkout.sandbox_folder
        folder.root.mkdir(parents=True)
        folder.passphrase.touch(mode=0o600)
        folder.passphrase.write_text(passphrase)
        started.append(checkout)
        control_plane.start(folder.cluster, toolchain, crds=ensure_crds())
        checkout.prepare(toolchain)
        return checkout

    yield start
    for checkout in started:
        control_plane.stop(checkout.sandbox_folder.cluster, toolchain)


def _as_before_the_chart(sections: dict[str, Any]) -> None:
    """Have PostgreSQL as the sandbox had it when no operator ran there: nobody upgrades a sandbox's."""
    sections["postgres"] |= {"operator": "existing", "version": "17", "image": None}
