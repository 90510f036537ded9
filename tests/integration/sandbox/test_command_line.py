"""The sandbox as a person uses it: each verb, the words it finds, and the files it leaves alone."""

import stat
from importlib.metadata import version
from pathlib import Path

import psutil
import pytest

from sandbox.cluster import kwokctl
from sandbox.kubeconfig import renamed, write
from sandbox.processes import running
from tests.integration.sandbox.conftest import STACK_FILE, Maker, SmallProject

pytestmark = pytest.mark.usefixtures("toolchain")


@pytest.fixture(scope="module")
def project(make_project: Maker) -> SmallProject:
    """A project whose stack is up."""
    made = make_project()
    made.sandbox("up")
    return made


@pytest.fixture
def editable(project: SmallProject):
    """The same, with its stack file as it was afterwards."""
    yield project
    project.stack_file.write_text(STACK_FILE)


def processes_of(project: SmallProject) -> list[psutil.Process]:
    return running(lambda command: any(str(project.run_folder) in argument for argument in command))


def test_up_shows_the_preview_rolls_out_and_says_what_next(project: SmallProject):
    again = project.sandbox("up")
    assert "Previewing update (dev)" in again.stdout
    assert "Updating (dev)" in again.stdout
    assert "make shell" in again.stderr
    assert "warning" not in again.stdout + again.stderr
    assert project.kubectl("get", "configmap", "settings", "-o", "jsonpath={.data.colour}") == "green"


def test_up_leaves_the_tracked_stack_file_as_it_is(project: SmallProject):
    assert project.stack_file.read_text() == STACK_FILE
    assert {file.name for file in project.folder.glob("Pulumi.*")} == {"Pulumi.dev.yaml", "Pulumi.yaml"}


def test_no_other_user_can_read_the_run_folder_and_its_secrets(project: SmallProject):
    assert stat.S_IMODE(project.run_folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((project.run_folder / "passphrase").stat().st_mode) == 0o600


def test_pulumi_config_set_edits_the_tracked_file_without_a_salt(editable: SmallProject):
    editable.pulumi("config", "set", "--path", "settings.colour", "red")
    assert editable.stack_file.read_text() == STACK_FILE.replace("green", "red")
    changed = editable.sandbox("preview").stdout
    assert '~ colour: "green" => "red"' in changed


def test_a_secret_in_the_config_can_be_read_back_and_is_not_in_plain_text(editable: SmallProject):
    editable.pulumi("config", "set", "--secret", "password", "open sesame")
    assert "secure:" in editable.stack_file.read_text()
    assert "encryptionsalt" not in editable.stack_file.read_text()
    assert "open sesame" not in editable.stack_file.read_text()
    assert editable.pulumi("config", "get", "password").stdout.strip() == "open sesame"


def test_pulumi_works_from_a_folder_below_and_for_a_stack_by_flag(editable: SmallProject):
    below = editable.folder / "controllers"
    shown = editable.pulumi("--cwd", str(below), "config", "get", "--stack", "dev", "--path", "settings.colour")
    assert shown.stdout.strip() == "green"


def test_a_failed_program_ends_up_with_its_own_words_and_no_traceback_of_ours(editable: SmallProject):
    editable.stack_file.write_text("config: {}\n")
    failed = editable.sandbox("up", check=False)
    assert failed.returncode == 1
    assert "small:settings" in failed.stdout
    assert "`pulumi preview` failed" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_status_says_what_runs(project: SmallProject):
    said = project.sandbox("status").stderr
    assert "https://127.0.0.1:" in said
    assert "1 objects in the state" in said
    assert "Controllers none runs" in said


def test_the_plugins_are_of_the_version_that_the_program_asks_for(project: SmallProject):
    for name in ("kubernetes", "random"):
        plugin = f"resource-{name}-v{version(f'pulumi-{name}')}"
        assert (project.run_folder / "pulumi" / "plugins" / plugin / f"pulumi-resource-{name}").exists()


@pytest.fixture(scope="module")
def theirs(project: SmallProject, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kubeconfig of the user's, whose context `theirs` is a cluster that isn't the sandbox's."""
    kubeconfig = tmp_path_factory.mktemp("theirs") / "kubeconfig"
    write(kubeconfig, renamed((project.run_folder / "cluster" / "kubeconfig").read_text(), "theirs"))
    return kubeconfig


def test_an_official_plugin_in_the_users_pulumi_home_is_preferred(make_project: Maker, theirs: Path, tmp_path: Path):
    folder = tmp_path / "plugins" / f"resource-kubernetes-v{version('pulumi-kubernetes')}"
    folder.mkdir(parents=True)
    (folder / "pulumi-resource-kubernetes").write_text("#!/bin/sh\necho the official one >&2\nexit 1\n")
    (folder / "pulumi-resource-kubernetes").chmod(0o755)
    project = make_project()
    up = project.sandbox("--context", "theirs", "up", check=False, KUBECONFIG=str(theirs), PULUMI_HOME=str(tmp_path))
    assert "the official one, from" in up.stderr
    assert "the official one" in up.stdout
    project.sandbox("down")
    assert (folder / "pulumi-resource-kubernetes").exists()


def test_preview_of_an_unknown_stack_names_those_there_are(project: SmallProject):
    refused = project.sandbox("--stack", "stagin", "preview", check=False)
    assert refused.returncode == 1
    assert "STACK is 'stagin', but there is no Pulumi.stagin.yaml; allowed are dev." in refused.stderr


def test_another_stack_is_previewed_under_the_context_that_it_names(project: SmallProject):
    other = project.folder / "Pulumi.prod.yaml"
    content = STACK_FILE + "  platform:cluster: {context: sandbox}\n"
    other.write_text(content)
    shown = project.sandbox("--stack", "prod", "preview").stdout
    assert "Previewing update (prod)" in shown
    assert "create" in shown
    assert other.read_text() == content
    other.unlink()


@pytest.mark.parametrize("name", ["Default", "a/b", "", "-x", "x" * 40])
def test_a_name_that_is_no_folder_name_is_refused(project: SmallProject, name: str):
    refused = project.sandbox(f"--name={name}", "status", check=False)
    assert refused.returncode == 1
    assert "allowed are" in refused.stderr


def test_env_prints_nothing_but_exports_to_stdout(project: SmallProject):
    lines = project.sandbox("env").stdout.splitlines()
    assert len(lines) >= 8
    assert all(line.startswith("export ") for line in lines)


def test_without_a_sandbox_the_verbs_say_what_to_do(make_project: Maker):
    project = make_project()
    for verb in ("preview", "env", "shell"):
        refused = project.sandbox(verb, check=False)
        assert refused.returncode == 1
        assert "run `make up` first" in refused.stderr
    assert project.sandbox("down").returncode == 0
    assert "No sandbox" in project.sandbox("status").stderr


def test_after_a_crash_preview_refuses_up_starts_anew_and_down_leaves_nothing(make_project: Maker):
    project = make_project()
    project.sandbox("up")
    for process in running(kwokctl.belongs_to(project.run_folder / "cluster")):
        process.kill()
    refused = project.sandbox("preview", check=False)
    assert refused.returncode == 1
    assert "control plane does not run" in refused.stderr
    anew = project.sandbox("up")
    assert "starting both anew" in anew.stderr
    assert "+ 3 created" in anew.stdout
    for process in running(kwokctl.belongs_to(project.run_folder / "cluster")):
        process.kill()
    project.sandbox("down")
    assert not processes_of(project)
    assert not project.run_folder.exists()


def test_on_a_cluster_of_the_users_up_uses_only_the_named_context_and_down_leaves_the_cluster(
    project: SmallProject, make_project: Maker, theirs: Path
):
    guest = make_project()
    (guest.folder / "__main__.py").write_text(
        (guest.folder / "__main__.py").read_text().replace('"name": "settings"', '"name": "guest"')
    )
    unknown = guest.sandbox("--context", "nowhere", "up", check=False, KUBECONFIG=str(theirs))
    assert "CONTEXT is 'nowhere', which your kubeconfig doesn't have; it has: theirs." in unknown.stderr
    guest.sandbox("--context", "theirs", "up", KUBECONFIG=str(theirs))
    assert not (guest.run_folder / "cluster").exists()
    assert project.kubectl("get", "configmap", "guest", "-o", "jsonpath={.data.colour}") == "green"
    refused = guest.sandbox("clean", check=False)
    assert refused.returncode == 1
    assert "run `make down`" in refused.stderr
    guest.sandbox("down")
    assert not guest.run_folder.exists()
    assert not project.kubectl("get", "configmap", "guest", "--ignore-not-found")
    assert project.kubectl("get", "configmap", "settings")
