"""The provider's own configuration: what is refused, and what means another cluster."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from plugin import Failure, Plugin
from workbench import Body, config_map

from sandbox.provider.values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"renderYamlToDirectory": "manifests"}, "renderYamlToDirectory: .*knows no such key; it knows cluster, "),
        ({"enableServerSideApply": "false"}, "enableServerSideApply: is false; .*server-side apply only"),
        ({"enableSecretMutable": "maybe"}, "enableSecretMutable: is 'maybe', must be true or false"),
    ],
)
def test_configuration_that_can_not_be_honoured_is_refused_by_key(
    plugin: Plugin, settings: Body, extra: Body, message: str
) -> None:
    with pytest.raises(Failure, match=message):
        plugin.check_config({**settings, **extra})


def test_configuration_that_only_tunes_the_official_plugin_is_accepted(plugin: Plugin, settings: Body) -> None:
    tuned = {**settings, "kubeClientSettings": '{"qps": 50}', "version": "4.34.2", "__internal": {}}
    assert plugin.check_config(tuned) == tuned


def with_server(settings: Body, server: str) -> Body:
    """Return the settings with another API server's address."""
    kubeconfig = yaml.safe_load(Path(settings["kubeconfig"]).read_text(encoding="utf-8"))
    kubeconfig["clusters"][0]["cluster"]["server"] = server
    return {**settings, "kubeconfig": yaml.safe_dump(kubeconfig)}


def with_other_user(settings: Body) -> Body:
    """Return the settings with other credentials for the same cluster."""
    kubeconfig = yaml.safe_load(Path(settings["kubeconfig"]).read_text(encoding="utf-8"))
    kubeconfig["users"][0]["user"] = {"token": "other"}
    return {**settings, "kubeconfig": yaml.safe_dump(kubeconfig)}


CHANGES: dict[str, tuple[Callable[[Body], Body], list[str], list[str]]] = {
    "nothing": (copy.deepcopy, [], []),
    "other credentials": (with_other_user, ["kubeconfig"], []),
    "another server": (lambda old: with_server(old, "https://127.0.0.1:1"), ["kubeconfig"], ["kubeconfig"]),
    "an unknown kubeconfig": (lambda old: {**old, "kubeconfig": UNKNOWN}, ["kubeconfig"], ["kubeconfig"]),
    "a switch": (lambda old: {**old, "enableSecretMutable": "true"}, ["enableSecretMutable"], []),
    "a first identifier": (lambda old: {**old, "clusterIdentifier": "a"}, ["clusterIdentifier"], ["clusterIdentifier"]),
    "another context of no cluster": (lambda old: {**old, "context": "none"}, ["context"], ["context"]),
}


@pytest.mark.parametrize("case", CHANGES)
def test_only_another_cluster_replaces_the_provider_and_all_its_objects(
    plugin: Plugin, settings: Body, case: str
) -> None:
    change, changed, replacing = CHANGES[case]
    answer = plugin.diff_config(settings, change(settings))
    assert (list(answer.diffs), list(answer.replaces)) == (changed, replacing)


def test_with_an_identifier_nothing_else_replaces_the_provider(plugin: Plugin, settings: Body) -> None:
    named = {**settings, "clusterIdentifier": "a"}
    moved = with_server(named, "https://127.0.0.1:1")
    assert list(plugin.diff_config(named, moved).replaces) == []
    assert list(plugin.diff_config(named, {**moved, "clusterIdentifier": "b"}).replaces) == ["clusterIdentifier"]


def test_an_unreachable_cluster_is_named_and_can_be_forgotten(settings: Body, plugin: Plugin, namespace: str) -> None:
    made = plugin.create(config_map("one", namespace, a="1"))
    nowhere = with_server(settings, "https://127.0.0.1:1")
    with Plugin("kubernetes", nowhere) as lost:
        with pytest.raises(Failure, match=r"https://127\.0\.0\.1:1.* is unreachable"):
            lost.read(made)
        with pytest.raises(Failure, match="unreachable"):
            lost.delete(made)
    with Plugin("kubernetes", {**nowhere, "deleteUnreachable": "true"}) as forgetful:
        assert forgetful.read(made) is None
        forgetful.delete(made)


def test_a_kubeconfig_that_does_not_fit_is_named(settings: Body, namespace: str) -> None:
    wrong = [
        ("context", "none", "'none' not found"),
        ("cluster", "none", "it has"),
        ("kubeconfig", "/no/such/file", "/no"),
    ]
    for key, value, message in wrong:
        with (
            Plugin("kubernetes", {**settings, key: value}) as lost,
            pytest.raises(Failure, match=f"kubeconfig: .*{message}"),
        ):
            lost.create(config_map("one", namespace))
