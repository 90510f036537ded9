"""The fields in which two versions of an object differ.

The engine's own `detailedDiff` writes paths ambiguously (`annotations.a/b`) and compares lists by position, so that an
inserted element changes all behind it. Here lists whose elements bear unique names are compared by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Path: TypeAlias = tuple[str, ...]

_PLAIN: Final = re.compile(r"[A-Za-z0-9_/$-]+")


class Absent:
    """Stands for a field that isn't there, as opposed to one that is null."""


ABSENT: Final = Absent()


@dataclass(frozen=True)
class Change:
    """One field that differs; ``ABSENT`` where it was added or removed."""

    path: Path
    """Steps from the object's root; a list's element is a step in brackets: ``[redis]`` or ``[0]``."""
    old: Any
    new: Any
    replaces: bool = False
    """Whether the provider replaces the object for it."""

    @property
    def text(self) -> str:
        """The path as people write it: ``spec.containers[redis].image``, ``data["redis.conf"]``."""
        return text_of(self.path)

    def leaves(self) -> Iterator[Change]:
        """Yield the fields inside of one that was added or removed whole, or the field itself."""
        old = _leaves(self.path, self.old)
        new = _leaves(self.path, self.new)
        for path in {**old, **new}:
            yield Change(path, old.get(path, ABSENT), new.get(path, ABSENT), self.replaces)


def text_of(path: Path) -> str:
    """Return a path as people write it."""
    text = ""
    for step in path:
        if step.startswith("["):
            text += step
        elif _PLAIN.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f'["{step}"]'
    return text


def differences(old: Any, new: Any, path: Path = ()) -> Iterator[Change]:  # noqa: ANN401 - any JSON value
    """Yield the deepest fields in which two JSON values differ, in the order of their names."""
    if is_map(old) and is_map(new):
        for name in sorted({*old, *new}):
            yield from differences(old.get(name, ABSENT), new.get(name, ABSENT), (*path, name))
    elif is_list(old) and is_list(new):
        before, after = _elements(old, new)
        for step in [*before, *(step for step in after if step not in before)]:
            yield from differences(before.get(step, ABSENT), after.get(step, ABSENT), (*path, step))
    elif old != new or isinstance(old, bool) != isinstance(new, bool):
        yield Change(path, old, new)


def _elements(old: Sequence[Any], new: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    for key in ("name", "mountPath"):
        if _identifies(key, old) and _identifies(key, new):
            return {f"[{each[key]}]": each for each in old}, {f"[{each[key]}]": each for each in new}
    return ({f"[{number}]": each for number, each in enumerate(values)} for values in (old, new))  # type: ignore[return-value]


def _identifies(key: str, elements: Sequence[Any]) -> bool:
    """Tell whether every element is a mapping with its own value of ``key``."""
    values = [each.get(key) for each in elements if is_map(each)]
    return len(values) == len(elements) == len({value for value in values if isinstance(value, str)})


def _leaves(path: Path, value: Any) -> dict[Path, Any]:  # noqa: ANN401 - any JSON value
    if is_map(value) and value:
        return {leaf: each for name, item in value.items() for leaf, each in _leaves((*path, name), item).items()}
    if is_list(value) and any(map(is_map, value)):
        elements, _ = _elements(value, value)
        return {leaf: each for step, item in elements.items() for leaf, each in _leaves((*path, step), item).items()}
    return {} if value is ABSENT else {path: value}


def is_map(value: Any) -> TypeGuard[Mapping[str, Any]]:  # noqa: ANN401 - any JSON value
    """Tell whether a JSON value is a mapping."""
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[Sequence[Any]]:  # noqa: ANN401 - any JSON value
    """Tell whether a JSON value is a list."""
    return isinstance(value, list)
