"""Locked images reach every pod, and every controller that makes pods, with their digest."""

from collections.abc import Iterator

import pytest

from components import versions
from pins.lock import pinned_images
from policies.objects import Object
from policies.rules.images import images
from tests.unit.declared import Declared, declare, stack_file

DIGEST = f"sha256:{64 * 'd'}"


def declared_images(declared: Declared) -> Iterator[str]:
    for resource in declared.objects():
        yield from images(Object(resource.urn, resource.inputs))


def test_a_locked_tag_is_declared_with_its_digest_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "_DIGESTS", dict.fromkeys(pinned_images(), DIGEST))
    found = set(declared_images(declare(stack_file("prod"), stack_name="prod")))
    assert found == {f"{image}@{DIGEST}" for image in pinned_images()}


def test_a_tag_that_is_not_locked_stays_a_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "_DIGESTS", {})
    assert set(declared_images(declare(stack_file("prod"), stack_name="prod"))) == set(pinned_images())
