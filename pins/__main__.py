"""Command line of the pins: ``python -m pins lock`` (`make pin`) and ``python -m pins outdated`` (`make outdated`)."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

import httpx

from components import versions
from pins.lock import pinned_images, write_lock
from pins.outdated import newest_chart, newest_image
from pins.reference import Reference
from pins.registry import Registry, RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def main() -> int:
    """Run one command and return the exit code: 1 where somebody couldn't be asked."""
    parser = argparse.ArgumentParser(prog="python -m pins", description=__doc__)
    parser.add_argument("command", choices=["lock", "outdated"])
    if parser.parse_args().command == "lock":
        return int(not write_lock(pinned_images(), versions.LOCK, print))
    return _outdated()


def _outdated() -> int:
    complete = True
    with Registry() as registry:
        for name, current, ask in _asked(registry):
            try:
                found = ask()
            except (RegistryError, httpx.HTTPError) as error:
                complete = False
                print(f"{name} {current}: {error}")
            else:
                print(f"{name} {current}{'' if found == current else f' -> {found}'}")
    return int(not complete)


def _asked(registry: Registry) -> Iterator[tuple[str, str, Callable[[], str]]]:
    """Yield name, pinned version and how to ask for the newest."""
    for image in pinned_images():
        reference = Reference.parse(image)
        yield (
            f"{reference.registry}/{reference.repository}",
            reference.tag,
            lambda image=image: newest_image(image, registry),
        )
    for release in vars(versions).values():
        if isinstance(release, versions.ChartRelease):
            yield f"chart {release.chart}", release.version, lambda release=release: newest_chart(release)


if __name__ == "__main__":
    sys.exit(main())
