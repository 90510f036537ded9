"""Images: a tag that says what runs, a digest that keeps it so, and a registry that we trust."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from policies.objects import Object, Options, Rule, Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

# Controllers make pods of their own out of images that they are told by these variables.
_TOLD = re.compile(r"[A-Z0-9_]*_IMAGE")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def images(declared: Object) -> Iterator[str]:
    """Yield every image that the object's pods run, or tell others to run."""
    for container in declared.containers():
        yield str(container["image"])
        for variable in container.get("env", ()):
            if _TOLD.fullmatch(variable["name"]) and "value" in variable:
                yield str(variable["value"])


def _tag(image: str) -> str:
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2]


def _each_image(
    check: Callable[[str, Options], str | None],
) -> Callable[[Sequence[Object], Options], Iterator[Violation]]:
    def checked(objects: Sequence[Object], options: Options) -> Iterator[Violation]:
        for declared in objects:
            for image in dict.fromkeys(images(declared)):
                if message := check(image, options):
                    yield Violation(declared.urn, image, f"{message} ({declared.subject})")

    return checked


def _tagged(image: str, _: Options) -> str | None:
    tag = _tag(image)
    if tag in {"", "latest"}:
        return f"its tag is {tag or 'missing'!r}; allowed is one that names a version"
    return None


def _digested(image: str, _: Options) -> str | None:
    if _DIGEST.fullmatch(image.partition("@")[2]):
        return None
    return "it has no digest, so its tag may come to mean other content; `make pin` asks its registry"


def _trusted(image: str, options: Options) -> str | None:
    registries = [str(registry) for registry in options["registries"]]
    if any(image.startswith(f"{registry}/") for registry in registries):
        return None
    return f"its registry isn't one of {', '.join(registries)}"


TAG = Rule("image-tag", "Images name a version.", _each_image(_tagged))
DIGEST = Rule("image-digest", "Images are pinned by digest.", _each_image(_digested))
REGISTRY = Rule(
    "image-registry",
    "Images come from the environment's registries.",
    _each_image(_trusted),
    options={"registries": {"type": "array", "items": {"type": "string"}}},
)
