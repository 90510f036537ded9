from pathlib import Path

import pytest

from controllers.runtime.options import Flags, add_runtime_flags, runtime_options

VARIABLES = ("KUBECONFIG", "WATCH_NAMESPACE", "HEALTH_ADDRESS", "WORKERS", "RESYNC_SECONDS", "LOG_LEVEL")


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def options(*arguments):
    flags = Flags("a controller")
    add_runtime_flags(flags)
    return runtime_options(flags, flags.parse(arguments))


def test_a_namespace_is_all_that_must_be_said():
    found = options("--namespace", "websites")
    assert found.namespaces == ("websites",)
    assert found.kubeconfig is None
    assert found.health == "127.0.0.1:8080"
    assert (found.workers, found.resync) == (4, 600.0)


def test_the_environment_gives_defaults_and_a_flag_wins(monkeypatch):
    monkeypatch.setenv("WATCH_NAMESPACE", "one, two")
    monkeypatch.setenv("KUBECONFIG", "/etc/kubeconfig")
    monkeypatch.setenv("WORKERS", "2")
    found = options("--workers", "8")
    assert found.namespaces == ("one", "two")
    assert found.kubeconfig == Path("/etc/kubeconfig")
    assert found.workers == 8


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--namespace"),
        (["--namespace", " , "], "--namespace: needs at least one namespace"),
        (["--namespace", "a", "--workers", "0"], "--workers: '0' is not a number of at least 1"),
        (["--namespace", "a", "--workers", "many"], "--workers: 'many'"),
        (["--namespace", "a", "--resync", "inf"], "--resync: 'inf'"),
        (["--namespace", "a", "--resync", "nan"], "--resync: 'nan'"),
        (["--namespace", "a", "--health-address", "8080"], "--health-address: '8080' is not host:port"),
        (["--namespace", "a", "--log-level", "LOUD"], "--log-level"),
    ],
)
def test_a_wrong_option_ends_the_process_and_is_named(arguments, words, capsys):
    with pytest.raises(SystemExit, match="2"):
        options(*arguments)
    assert words in capsys.readouterr().err
