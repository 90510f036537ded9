"""The stand-in for git-sync takes the flags that pods use, as git-sync reads them, and refuses all others by name."""

from pathlib import Path

import pytest

from controllers.website.git_sync import clone, git_sync
from controllers.website.model import Website
from sandbox.images.git_sync.options import OptionError, Options, parse

LEAST = ("--repo=https://git.example.com/team/site.git", "--root=/git")


def options(*more: str, **environment: str) -> Options:
    return parse([*LEAST, *more], environment)


def test_what_is_not_given_is_as_in_git_sync():
    given = options()
    assert (given.ref, given.link, given.period, given.max_failures) == ("HEAD", Path("/git/site.git"), 10, 0)
    assert (given.one_time, given.http_bind, given.ssh_known_hosts) == (False, "", True)
    assert given.ssh_key_file == Path("/etc/git-secret/ssh")
    assert given.ssh_known_hosts_file == Path("/etc/git-secret/known_hosts")


@pytest.mark.parametrize(
    ("text", "seconds"), [("60s", 60), ("1m30s", 90), ("500ms", 0.5), ("1h", 3600), ("1.5s", 1.5), ("10ms", 0.01)]
)
def test_durations_are_those_of_go(text: str, seconds: float):
    assert options(f"--period={text}").period == seconds


@pytest.mark.parametrize("text", ["60", "1 s", "-1s", "s", "1d", "", "9ms"])
def test_other_durations_are_refused_and_the_flag_is_named(text: str):
    with pytest.raises(OptionError, match="--period"):
        options(f"--period={text}")


@pytest.mark.parametrize(
    ("argument", "value"), [("--one-time", True), ("--one-time=true", True), ("--one-time=false", False)]
)
def test_a_switch_may_carry_a_value(argument: str, *, value: bool):
    assert options(argument).one_time is value


def test_a_link_lies_in_the_root_or_where_it_says():
    assert options("--link=current").link == Path("/git/current")
    assert options("--link=/elsewhere/current").link == Path("/elsewhere/current")


@pytest.mark.parametrize("flag", ["--webhook-method=PUT", "--submodules=off", "--per=1s", "-v=6", "stray"])
def test_an_unknown_flag_is_named_with_those_that_are_known(flag: str):
    with pytest.raises(OptionError, match=f"^{flag}.*--max-failures"):
        options(flag)


def test_an_unknown_variable_is_named():
    with pytest.raises(OptionError, match="GITSYNC_EXECHOOK_COMMAND"):
        options(GITSYNC_EXECHOOK_COMMAND="true")


def test_a_flag_goes_before_its_variable():
    assert options(GITSYNC_REF="v1").ref == "v1"
    assert options("--ref=v2", GITSYNC_REF="v1").ref == "v2"
    assert parse([], {"GITSYNC_REPO": "file:///site", "GITSYNC_ROOT": "/git"}).repo == "file:///site"


@pytest.mark.parametrize("missing", ["--repo", "--root"])
def test_what_is_required_is_named(missing: str):
    with pytest.raises(OptionError, match=missing):
        parse([argument for argument in LEAST if not argument.startswith(missing)], {})


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--username=reader"], {}),
        (["--password-file=/p"], {}),
        ([], {"GITSYNC_PASSWORD": "p"}),
        (["--username=reader", "--password-file=/p"], {"GITSYNC_PASSWORD": "p"}),
        (["--repo=https://reader:secret@git.example.com/site.git"], {}),
    ],
)
def test_half_a_credential_or_two_are_refused(arguments: list[str], environment: dict[str, str]):
    with pytest.raises(OptionError, match="password") as error:
        options(*arguments, **environment)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("arguments", [["--webhook-url=ftp://127.0.0.1/"], ["--webhook-url=http://h/", "--one-time"]])
def test_a_webhook_that_would_not_be_honoured_is_refused(arguments: list[str]):
    with pytest.raises(OptionError, match="--webhook-url"):
        options(*arguments)


@pytest.mark.parametrize("repo", ["https://git.example.com/site.git", "ssh://git@git.example.com/site.git"])
@pytest.mark.parametrize("secret", [None, "git-credentials"])
def test_every_flag_and_variable_of_a_websites_pod_is_understood(repo: str, secret: str | None):
    spec = {
        "gitRepo": repo,
        "ref": "main",
        "path": "",
        "replicas": 1,
        "syncPeriod": "1m30s",
        "serviceType": "ClusterIP",
    }
    metadata = {
        "name": "kubia",
        "namespace": "websites",
        "uid": "1",
        "generation": 1,
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    site = Website.from_object(
        {"metadata": metadata, "spec": {**spec, **({"credentialsSecret": secret} if secret else {})}}
    )
    for container in (clone(site, "image", "/site"), git_sync(site, "image", "/site", "http://controller:8080")):
        environment = {variable.name: "reader" for variable in container.env or []}
        understood = parse(container.args or [], environment)
        assert (understood.repo, understood.ref) == (repo, "main")
        assert understood.one_time is (container.name == "clone")
        assert bool(understood.username) is bool(secret and repo.startswith("https"))
