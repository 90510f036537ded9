"""Random values: made under the program's rules, replaced when those change, secret from birth."""

from __future__ import annotations

import base64
import string
import uuid
from importlib.metadata import version
from typing import TYPE_CHECKING

import bcrypt
import pytest
from plugin import Failure, Kept, Plugin

from sandbox.provider.values import UNKNOWN, Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench import Body, Stack

PASSWORD = "random:index/randomPassword:RandomPassword"
STRING = "random:index/randomString:RandomString"
ID = "random:index/randomId:RandomId"
UUID = "random:index/randomUuid:RandomUuid"


@pytest.fixture(scope="module")
def source() -> Iterator[Plugin]:
    """The random stand-in."""
    with Plugin("random", {}) as running:
        yield running


def test_a_password_is_kept_secret_and_replaced_only_when_its_rules_change(stack: Stack) -> None:
    plugin_version = version("pulumi-random")
    provider = {"type": "pulumi:providers:random", "name": "source", "properties": {}, "version": plugin_version}

    def password(**properties: object) -> list[Body]:
        entry = {"type": PASSWORD, "name": "password", "properties": properties, "version": plugin_version}
        return [provider, {**entry, "refer": {"provider": "source"}, "outputs": ["result", "bcryptHash"]}]

    assert stack.preview(*password(length=24)).operations["password"] == "create"
    stack.up(*password(length=24))
    outputs = stack.state()["password"]["outputs"]
    assert "ciphertext" in outputs["result"]
    assert "ciphertext" in outputs["bcryptHash"]
    before = stack.state("--show-secrets")["password"]["outputs"]["result"]
    assert stack.preview(*password(length=24, special=True), refresh=True).operations == {}
    changed = stack.preview(*password(length=32))
    assert changed.operations == {"password": "replace"}
    assert changed.step("password")["replaceReasons"] == ["length"]
    stack.up(*password(length=24))
    assert stack.state("--show-secrets")["password"]["outputs"]["result"] == before


@pytest.mark.parametrize("kind", [PASSWORD, STRING])
def test_text_keeps_every_rule(source: Plugin, kind: str) -> None:
    rules = {"length": 12, "minLower": 2, "minUpper": 3, "minNumeric": 4, "minSpecial": 3, "overrideSpecial": "_"}
    for _ in range(5):
        result = source.create(rules, kind=kind).outputs["result"]
        text = result.value if isinstance(result, Secret) else result
        counts = [
            sum(letter in allowed for letter in text)
            for allowed in (string.ascii_lowercase, string.ascii_uppercase, string.digits, "_")
        ]
        assert counts == [2, 3, 4, 3]
    digits = source.create({"length": 40, "lower": False, "upper": False, "special": False}, kind=STRING)
    assert digits.outputs["result"].isdigit()
    assert digits.object_id == digits.outputs["result"]


def test_two_passwords_differ_and_fit_their_hashes(source: Plugin) -> None:
    made = [source.create({"length": 80}, kind=PASSWORD).outputs for _ in range(2)]
    texts = [outputs["result"].value for outputs in made]
    assert texts[0] != texts[1]
    for text, outputs in zip(texts, made, strict=True):
        assert bcrypt.checkpw(text.encode()[:72], outputs["bcryptHash"].value.encode())


def test_the_renderings_of_an_id_are_the_same_number(source: Plugin) -> None:
    made = source.create({"byteLength": 4, "prefix": "a-"}, kind=ID)
    outputs = {name: made.outputs[name].removeprefix("a-") for name in ("hex", "dec", "b64Std", "b64Url")}
    number = int(outputs["dec"])
    assert int(outputs["hex"], 16) == int.from_bytes(base64.b64decode(outputs["b64Std"]), "big") == number
    assert made.object_id == outputs["b64Url"]
    assert len(outputs["hex"]) == 8


def test_a_uuid_is_one(source: Plugin) -> None:
    assert uuid.UUID(source.create({}, kind=UUID).object_id).version == 4


@pytest.mark.parametrize(
    ("kind", "changed"),
    [(PASSWORD, {"keepers": {"a": "2"}}), (ID, {"byteLength": 5}), (UUID, {"keepers": {"a": "2"}})],
)
def test_any_changed_input_is_a_replacement(source: Plugin, kind: str, changed: Body) -> None:
    inputs: Body = {PASSWORD: {"length": 8}, ID: {"byteLength": 4}, UUID: {}}[kind]
    made = source.create({**inputs, "keepers": {"a": "1"}}, kind=kind)
    answer = source.diff(made, {**inputs, "keepers": {"a": "1"}, **changed})
    assert list(answer.replaces) == list(changed)


def test_a_preview_says_that_there_will_be_a_value(source: Plugin) -> None:
    previewed = source.create({"length": 8}, kind=PASSWORD, preview=True).outputs
    assert previewed["result"] == Secret(UNKNOWN)
    assert previewed["length"] == 8


@pytest.mark.parametrize(
    ("kind", "text", "inputs"),
    [
        (PASSWORD, "known-before", {"length": 12}),
        (STRING, "known-before", {"length": 12}),
        (ID, "a-,AQIDBA", {"byteLength": 4, "prefix": "a-"}),
        (UUID, "7b1ed5a4-7cb9-4d23-8d3c-1fbf0d2c1a34", {}),
    ],
)
def test_a_value_from_elsewhere_can_be_taken_over(source: Plugin, kind: str, text: str, inputs: Body) -> None:
    taken = source.read(Kept("urn", kind, text, {}, {}))
    assert taken is not None
    assert taken.inputs.items() >= inputs.items()
    result = taken.outputs.get("result", text)
    assert (result.value if isinstance(result, Secret) else result) == text
    assert not source.diff(taken, inputs).replaces


@pytest.mark.parametrize(
    ("kind", "inputs", "message"),
    [
        (PASSWORD, {"length": 3, "minLower": 4}, "length: is 3, must be at least 1 and at least 4"),
        (PASSWORD, {"lenght": 3}, "lenght: unknown input; known are"),
        (STRING, {"length": 1, "lower": False, "upper": False, "numeric": False, "special": False}, "must be true"),
        (ID, {"byteLength": 0}, "byteLength: is 0, must be at least 1"),
        ("random:index/randomPet:RandomPet", {}, "RandomPet isn't supported.*install the official plugin"),
    ],
)
def test_what_can_not_be_made_is_refused(source: Plugin, kind: str, inputs: Body, message: str) -> None:
    with pytest.raises(Failure, match=message):
        source.check(kind, "one", inputs)
