"""The lock: the digest of each pinned tag, as its registry gave it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from components import versions
from pins.reference import Reference
from pins.registry import Registry, RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def pinned_images() -> list[str]:
    """Return every image that versions.py names."""
    return [value for name, value in vars(versions).items() if name.endswith("_IMAGE")]


def write_lock(images: Sequence[str], lock: Path, say: Callable[[str], object]) -> bool:
    """Write the digests of `images` into `lock` and return whether all of them could be had.

    An image whose registry can't be asked keeps the digest that it has; what isn't pinned any more goes.
    """
    known: dict[str, str] = json.loads(lock.read_text())
    digests = {image: known[image] for image in images if image in known}
    complete = True
    with Registry() as registry:
        for image in images:
            try:
                digests[image] = registry.digest(Reference.parse(image))
            except RegistryError as error:
                complete = False
                say(f"{image}: {error}")
            else:
                say(f"{image}@{digests[image]}{_change(known.get(image), digests[image])}")
    lock.write_text(json.dumps(digests, indent=2, sort_keys=True) + "\n")
    return complete


def _change(before: str | None, now: str) -> str:
    return "" if before in {None, now} else f" - its tag stood for {before} before"
