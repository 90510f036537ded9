"""The kinds of random values: how each is checked, made, and taken over from elsewhere."""

from __future__ import annotations

import base64
import secrets
import uuid
from typing import TYPE_CHECKING, Final, NamedTuple

from sandbox.provider.random import characters
from sandbox.provider.values import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.provider.values import Properties

_BCRYPT_LIMIT: Final = 72
"""The bytes that bcrypt takes into account."""
_BCRYPT_COST: Final = 10


class Made(NamedTuple):
    """A random value: the engine's id for it and what it consists of."""

    object_id: str
    values: Properties


class Kind(NamedTuple):
    """One kind of random value. `complete` fills in defaults, `make` takes inputs so completed, `adopt` an id."""

    inputs: frozenset[str]
    outputs: tuple[str, ...]
    find_faults: Callable[[Properties], list[tuple[str, str]]]
    complete: Callable[[Properties], Properties]
    make: Callable[[Properties], Made]
    adopt: Callable[[str], tuple[Made, Properties]]


def _password(text: str) -> Made:
    import bcrypt  # noqa: PLC0415 - only passwords need it

    hashed = bcrypt.hashpw(text.encode()[:_BCRYPT_LIMIT], bcrypt.gensalt(_BCRYPT_COST)).decode()
    return Made("none", {"result": Secret(text), "bcryptHash": Secret(hashed)})


def _make_password(inputs: Properties) -> Made:
    return _password(characters.generate(inputs))


def _adopt_password(text: str) -> tuple[Made, Properties]:
    return _password(text), characters.rules_of(text)


def _text(text: str) -> Made:
    return Made(text, {"result": text})


def _make_string(inputs: Properties) -> Made:
    return _text(characters.generate(inputs))


def _adopt_string(text: str) -> tuple[Made, Properties]:
    return _text(text), characters.rules_of(text)


def _bytes(value: bytes, prefix: str) -> Made:
    url = base64.urlsafe_b64encode(value).decode().rstrip("=")
    standard = base64.b64encode(value).decode()
    texts = {"b64Std": standard, "b64Url": url, "dec": str(int.from_bytes(value, "big")), "hex": value.hex()}
    return Made(url, {name: f"{prefix}{text}" for name, text in texts.items()})


def _make_bytes(inputs: Properties) -> Made:
    return _bytes(secrets.token_bytes(inputs["byteLength"]), str(inputs.get("prefix", "")))


def _adopt_bytes(text: str) -> tuple[Made, Properties]:
    prefix, _, url = text.rpartition(",")
    value = base64.urlsafe_b64decode(url + "=" * (-len(url) % 4))
    inputs: Properties = {"byteLength": len(value)}
    return _bytes(value, prefix), {**inputs, "prefix": prefix} if prefix else inputs


def _byte_faults(inputs: Properties) -> list[tuple[str, str]]:
    length = inputs.get("byteLength", 0)
    return [] if length >= 1 else [("byteLength", f"is {length}, must be at least 1")]


def _make_uuid(_: Properties) -> Made:
    return _text(str(uuid.uuid4()))


def _adopt_uuid(text: str) -> tuple[Made, Properties]:
    return _text(str(uuid.UUID(text))), {}


def _nothing_wrong(_: Properties) -> list[tuple[str, str]]:
    return []


def _as_given(inputs: Properties) -> Properties:
    return inputs


KINDS: Final[dict[str, Kind]] = {
    "random:index/randomPassword:RandomPassword": Kind(
        inputs=characters.KNOWN,
        outputs=("result", "bcryptHash"),
        find_faults=characters.find_faults,
        complete=characters.complete,
        make=_make_password,
        adopt=_adopt_password,
    ),
    "random:index/randomString:RandomString": Kind(
        inputs=characters.KNOWN,
        outputs=("result",),
        find_faults=characters.find_faults,
        complete=characters.complete,
        make=_make_string,
        adopt=_adopt_string,
    ),
    "random:index/randomId:RandomId": Kind(
        inputs=frozenset(("byteLength", "keepers", "prefix")),
        outputs=("b64Std", "b64Url", "dec", "hex"),
        find_faults=_byte_faults,
        complete=_as_given,
        make=_make_bytes,
        adopt=_adopt_bytes,
    ),
    "random:index/randomUuid:RandomUuid": Kind(
        inputs=frozenset(("keepers",)),
        outputs=("result",),
        find_faults=_nothing_wrong,
        complete=_as_given,
        make=_make_uuid,
        adopt=_adopt_uuid,
    ),
}
SECRET_OUTPUTS: Final = {"random:index/randomPassword:RandomPassword": ("result", "bcryptHash")}
