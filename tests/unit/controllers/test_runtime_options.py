from pathlib import Path

import pytest

from controllers.runtime.options import Flags, add_runtime_flags, runtime_options

VARIABLES = (
    *(
        "KUBECONFIG",
        "WATCH_NAMESPACE",
        "HEALTH_ADDRESS",
        "WORKERS",
        "RESYNC_SECONDS",
        "WATCH_IDLE_SECONDS",
        "LOG_LEVEL",
    ),
    *("LEADER_ELECTION_NAMESPACE", "LEASE_SECONDS", "RENEW_DEADLINE_SECONDS", "RETRY_PERIOD_SECONDS"),
)


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
    assert (found.workers, found.resync) == (8, 600.0)


def test_the_environment_gives_defaults_and_a_flag_wins(monkeypatch):
    monkeypatch.setenv("WATCH_NAMESPACE", "one, two")
    monkeypatch.setenv("KUBECONFIG", "/etc/kubeconfig")
    monkeypatch.setenv("WORKERS", "2")
    found = options("--workers", "3")
    assert found.namespaces == ("one", "two")
    assert found.kubeconfig == Path("/etc/kubeconfig")
    assert found.workers == 3


def test_all_namespaces_must_be_asked_for(monkeypatch):
    assert options("--namespace", "").namespaces == ()
    monkeypatch.setenv("WATCH_NAMESPACE", "")
    assert options().namespaces == ()


def test_an_election_has_the_times_of_kubernetes_own_controllers():
    assert options("--namespace", "a").election_namespace == ""
    found = options("--namespace", "a", "--leader-election-namespace", "system", "--retry-period", "0.5")
    assert found.election_namespace == "system"
    assert (found.election.lease, found.election.renew, found.election.retry) == (15, 10, 0.5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--namespace"),
        (["--namespace", " , "], "--namespace: ' , ' names no namespace"),
        (["--namespace", "a", "--workers", "0"], "--workers: '0' is not a number of at least 1"),
        (["--namespace", "a", "--workers", "many"], "--workers: 'many'"),
        (["--namespace", "a", "--resync", "inf"], "--resync: 'inf'"),
        (["--namespace", "a", "--resync", "nan"], "--resync: 'nan'"),
        (["--namespace", "a", "--health-address", "8080"], "--health-address: '8080' is not host:port"),
        (["--namespace", "a", "--log-level", "LOUD"], "--log-level"),
        (["--namespace", "a", "--lease", "10"], "--retry-period must be less than --renew-deadline"),
        (["--namespace", "a", "--retry-period", "0"], "--retry-period: '0' is not a number of at least 0.1"),
    ],
)
def test_a_wrong_option_ends_the_process_and_is_named(arguments, words, capsys):
    with pytest.raises(SystemExit, match="2"):
        options(*arguments)
    assert words in capsys.readouterr().err
