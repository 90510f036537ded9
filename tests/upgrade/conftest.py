"""A sandbox in which nothing is rolled out yet: an API server, the publishers' CRDs and an empty stack."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import cluster as control_plane
from sandbox import plugins
from sandbox.folder import Folder
from sandbox.progress import Progress
from sandbox.stack import Stack
from sandbox.toolchain import Toolchain
from tests.integration.stack.checkout import Checkout

Bare = Callable[[str], Checkout]


@pytest.fixture
def bare(toolchain: Toolchain, tmp_path: Path) -> Iterator[Bare]:
    """Start such a sandbox, with a passphrase of the test's choice."""
    started: list[Folder] = []

    def start(passphrase: str) -> Checkout:
        checkout = Checkout(tmp_path / "project")
        checkout.edit(_as_before_the_chart)
        folder = Folder(checkout.folder / ".sandbox" / "default", checkout.folder)
        folder.root.mkdir(parents=True)
        folder.passphrase.touch(mode=0o600)
        folder.passphrase.write_text(passphrase)
        started.append(folder)
        control_plane.start(folder.cluster, toolchain)
        Stack(folder, toolchain).prepare()
        plugins.place(folder.pulumi_home, toolchain, Progress(quiet=True))
        return checkout

    yield start
    for folder in started:
        control_plane.stop(folder.cluster, toolchain)


def _as_before_the_chart(sections: dict[str, Any]) -> None:
    """Have PostgreSQL as the sandbox had it when no operator ran there: nobody upgrades a sandbox's."""
    sections["postgres"] |= {"operator": "existing", "version": "17", "image": None}
