"""A repository to sync from, and git-sync's stand-in as a process of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from syncing import Origin, Starting, start_sync


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Origin:
    return Origin(tmp_path, monkeypatch)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starting]:
    yield from start_sync(tmp_path)
