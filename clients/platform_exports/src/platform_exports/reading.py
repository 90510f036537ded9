"""Reads values of the contract by key, each checked for what it must be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

import pulumi

T = TypeVar("T")
Values = Mapping[str, object]


class ContractError(pulumi.RunError):
    """A stack doesn't export what was asked of it; the message says what, and what to do."""


@dataclass(frozen=True)
class Kind(Generic[T]):
    """One kind of value: its name in messages, and how to take it; `take` returns None for what is none."""

    name: str
    take: Callable[[object], T | None]


def _number(value: object) -> int | None:
    # The engine knows only one kind of number.
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        return None
    return int(value)


def _texts(value: object) -> list[str] | None:
    if not isinstance(value, list):
        return None
    items = cast("list[object]", value)
    texts = [item for item in items if isinstance(item, str)]
    return texts if len(texts) == len(items) else None


def _mapping(value: object) -> Values | None:
    return cast("Values", value) if isinstance(value, Mapping) else None


def _text_by_name(value: object) -> dict[str, str] | None:
    items = _mapping(value)
    if items is None:
        return None
    texts = {name: item for name, item in items.items() if isinstance(item, str)}
    return texts if len(texts) == len(items) else None


TEXT = Kind[str]("text", lambda value: value if isinstance(value, str) else None)
NUMBER = Kind[int]("a whole number", _number)
TRUTH = Kind[bool]("true or false", lambda value: value if isinstance(value, bool) else None)
TEXTS = Kind["list[str]"]("a list of text", _texts)
TEXT_BY_NAME = Kind["dict[str, str]"]("a mapping of text by name", _text_by_name)
MAPPING = Kind[Values]("a mapping", _mapping)


class Section:
    """A mapping of the contract at `path`, whose keys are read one by one."""

    def __init__(self, stack: str, path: str, values: pulumi.Output[Values]) -> None:
        """Read the exports of `stack` below `path` from `values`."""
        self._stack = stack
        self._path = path
        self._values = values

    def read(self, key: str, kind: Kind[T]) -> pulumi.Output[T]:
        """Return the value of `key`.

        Raises:
            ContractError: (from the program's run) there is none, or one of another kind.

        """
        return self._values.apply(lambda values: self._take(values, key, kind))

    def section(self, key: str) -> tuple[str, str, pulumi.Output[Values]]:
        """Return the arguments of the section below `key`."""
        return self._stack, f"{self._path}.{key}".removeprefix("."), self.read(key, MAPPING)

    def _take(self, values: Values, key: str, kind: Kind[T]) -> T:
        path = f"{self._path}.{key}".removeprefix(".")
        value = values.get(key)
        # The SDK drops nulls, so a part that is off and a key that isn't known yet look the same.
        if value is None:
            raise ContractError(
                f"the stack {self._stack} exports no '{path}': that part of the platform is switched off there, "
                "or its release is older than this key"
            )
        taken = kind.take(value)
        if taken is None:
            raise ContractError(f"the stack {self._stack} exports '{path}' = {value!r}; the contract says {kind.name}")
        return taken
