"""Secrets stay wrapped: in state, in previews, in the log of an update, after a refresh."""

from __future__ import annotations

import base64

from plugin import Plugin
from workbench import Body, Kubectl, Stack, config_map, kubernetes

PLAIN = "correct-horse-battery-staple"
ENCODED = base64.b64encode(PLAIN.encode()).decode()
ENCRYPTED = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


def secret(namespace: str, **content: object) -> Body:
    """Return a Secret."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "one", "namespace": namespace}, **content}


def files(stack: Stack) -> str:
    """Return all that the engine has written down."""
    return "".join(path.read_text() for path in (stack.folder / "state").rglob("*.json*"))


def test_a_secret_value_is_never_written_in_plain_text(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    entries = [
        kubernetes(secret(namespace, stringData={"password": {"$secret": PLAIN}}), "text"),
        kubernetes(config_map("one", namespace, text={"$secret": PLAIN}, other="x"), "map"),
    ]
    said = [
        stack.preview(*entries).output,
        stack.up(*entries).output,
        stack.run("refresh", "--yes", "--skip-preview", "--stack=test").output,
        stack.preview(*entries).output,
    ]
    for text in (*said, files(stack)):
        assert PLAIN not in text
        assert ENCODED not in text
    assert kubectl("get", "secret", "one", "-n", namespace, "-o", "jsonpath={.data.password}") == ENCODED
    assert kubectl("get", "configmap", "one", "-n", namespace, "-o", "jsonpath={.data.text}") == PLAIN
    state = stack.state()
    assert state["map"]["outputs"]["data"]["other"] == "x"
    assert state["map"]["outputs"]["data"]["text"].items() >= ENCRYPTED.items()
    assert state["text"]["outputs"]["data"].items() >= ENCRYPTED.items()


def test_a_secret_is_hidden_even_where_the_program_forgot_to_mark_it(stack: Stack, namespace: str) -> None:
    stack.up(kubernetes(secret(namespace, data={"password": ENCODED}), "text"))
    assert ENCODED not in files(stack)


def test_a_refresh_brings_back_string_data_as_it_was_declared(lenient: Plugin, namespace: str) -> None:
    made = lenient.create(secret(namespace, stringData={"password": PLAIN}))
    seen = lenient.read(made)
    assert seen is not None
    assert seen.inputs["stringData"].value == {"password": PLAIN}
    assert "data" not in seen.inputs
    assert not lenient.diff(seen, secret(namespace, stringData={"password": PLAIN})).detailedDiff


def test_string_data_that_leaves_the_program_leaves_the_cluster(
    settings: Body, namespace: str, kubectl: Kubectl
) -> None:
    with Plugin("kubernetes", {**settings, "enableSecretMutable": "true"}) as plugin:
        made = plugin.create(secret(namespace, stringData={"a": "1", "b": "2"}))
        plugin.update(made, secret(namespace, stringData={"a": "1"}))
    assert list(kubectl("get", "secret", "one", "-n", namespace, "-o", "json")["data"]) == ["a"]
