"""Newer versions of what is pinned, as registries and chart repositories list them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
import yaml

from pins.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Iterable

    from components.versions import ChartRelease
    from pins.registry import Registry

_SECONDS = 60
_NUMBERS = re.compile(r"\d+")


def newest(current: str, offered: Iterable[str]) -> str:
    """Return the newest of the versions that are written as the current one is, or the current one.

    Written alike means the same text around as many numbers: ``8.2.4-bookworm`` follows ``8.2.3-bookworm``, neither
    ``8.2.4`` nor ``9-rc1`` does. A release candidate is never newer than a release.
    """
    shape = re.compile(r"\d+".join(map(re.escape, _NUMBERS.split(current))))
    alike = [version for version in offered if shape.fullmatch(version)]
    return max([current, *alike], key=lambda version: tuple(map(int, _NUMBERS.findall(version))))


def newest_image(image: str, registry: Registry) -> str:
    """Return the newest tag of an image.

    Raises:
        RegistryError: its registry can't be asked.

    """
    reference = Reference.parse(image)
    return newest(reference.tag, registry.tags(reference))


def newest_chart(release: ChartRelease) -> str:
    """Return the newest version of a chart.

    Raises:
        httpx.HTTPError: its repository can't be asked.

    """
    index = httpx.get(f"{release.repository}/index.yaml", timeout=_SECONDS, follow_redirects=True).raise_for_status()
    listed = yaml.load(index.content, Loader=yaml.CSafeLoader)["entries"].get(release.chart, [])
    return newest(release.version, (str(entry["version"]) for entry in listed))
