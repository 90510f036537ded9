"""A Git repository becomes a page over HTTP, follows its commits and goes with its Website."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox import git_server
from tests.e2e.conftest import Platform

NAMESPACE = "websites"
GIT_HOST = "git://git.sandbox.svc.cluster.local"


def url_of(name: str) -> str:
    return f"http://{name}-website.{NAMESPACE}.svc.cluster.local/"


def commit(bare: Path, page: str, scratch: Path) -> None:
    """Push a new page, as a person does."""
    git = ["git", "-c", "user.name=e2e", "-c", "user.email=e2e@localhost"]
    subprocess.run([*git, "clone", "-q", str(bare), str(scratch)], check=True)
    (scratch / "index.html").write_text(page)
    subprocess.run([*git, "-C", str(scratch), "commit", "-q", "-a", "-m", "Another page"], check=True)
    subprocess.run([*git, "-C", str(scratch), "push", "-q", "origin", "HEAD"], check=True)


def head_of(bare: Path) -> str:
    answer = subprocess.run(["git", "-C", str(bare), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return answer.stdout.strip()


def create(platform: Platform, name: str, **spec: str) -> None:
    """Create a Website, of the repository of its name unless ``spec`` says another."""
    website: dict[str, Any] = {
        "apiVersion": "extensions.example.com/v1",
        "kind": "Website",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"gitRepo": f"{GIT_HOST}/{name}.git", "syncPeriod": "5s", **spec},
    }
    manifest = platform.folder / "website.json"
    manifest.write_text(json.dumps(website))
    platform.kubectl("apply", "-f", str(manifest))


def children(platform: Platform, name: str) -> list[str]:
    """Return what there is of a Website."""
    selector = f"app.kubernetes.io/name=website,app.kubernetes.io/instance={name}"
    kinds = "deployment,service,pod"
    return platform.kubectl("get", kinds, "-n", NAMESPACE, "-l", selector, "-o", "name").split()


def synced(platform: Platform, name: str) -> dict[str, Any]:
    conditions = status(platform, name).get("conditions", [])
    return next((each for each in conditions if each["type"] == "Synced"), {})


def has_failed(platform: Platform, name: str) -> bool:
    return synced(platform, name).get("reason") == "SyncFailed"


def status(platform: Platform, name: str) -> dict[str, Any]:
    return platform.get("website", name, NAMESPACE).get("status", {})


@pytest.fixture
def site(platform: Platform) -> Iterator[str]:
    """A Website of a repository of its own."""
    name = "diary"
    git_server.create_repository(platform.sandbox_folder, f"{name}.git", {"index.html": "first page"})
    create(platform, name)
    yield name
    platform.kubectl("delete", "website", name, "-n", NAMESPACE, "--ignore-not-found")


def test_the_declared_website_serves_its_repository(platform: Platform) -> None:
    url = platform.outputs["websites"]["urls"]["kubia"]
    assert "Hello from kubia" in platform.page(url)


def test_a_repository_becomes_a_page_follows_its_commits_and_goes_with_its_website(
    platform: Platform, site: str, tmp_path: Path, seconds: Callable[[str, float], None]
) -> None:
    url = url_of(site)
    took = platform.seconds_until(lambda: platform.page(url) == "first page", "the first page")
    seconds("from a Website to its page over HTTP", took)
    assert {each.split("/")[0] for each in children(platform, site)} == {"deployment.apps", "service", "pod"}
    bare = platform.sandbox_folder.git / f"{site}.git"
    platform.eventually(lambda: status(platform, site).get("commit") == head_of(bare), "the commit in the status")

    commit(bare, "second page", tmp_path / "clone")
    took = platform.seconds_until(lambda: platform.page(url) == "second page", "the page of the next commit")
    seconds("from a commit to its page, at a sync period of 5 s", took)
    platform.eventually(lambda: status(platform, site).get("commit") == head_of(bare), "the next commit in the status")

    platform.kubectl("delete", "website", site, "-n", NAMESPACE)
    took = platform.seconds_until(lambda: not platform.page(url), "the page to be gone")
    seconds("from a Website's deletion to no page", took)
    platform.eventually(lambda: not children(platform, site), "the children to be gone")


def test_a_repository_that_cannot_be_read_shows_in_the_status_and_blocks_nobody(
    platform: Platform, seconds: Callable[[str, float], None]
) -> None:
    create(platform, "lost")
    try:
        took = platform.seconds_until(lambda: has_failed(platform, "lost"), "the reason in the status")
        seconds("from a Website of no repository to the reason in its status", took)
        assert "lost.git" in synced(platform, "lost")["message"]
        assert "Hello from kubia" in platform.page(platform.outputs["websites"]["urls"]["kubia"])
    finally:
        platform.kubectl("delete", "website", "lost", "-n", NAMESPACE)


def test_a_missing_secret_shows_in_the_status_until_it_is_there(
    platform: Platform, seconds: Callable[[str, float], None]
) -> None:
    git_server.create_repository(platform.sandbox_folder, "private.git", {"index.html": "private page"})
    create(platform, "private", gitRepo="https://github.com/private.git", credentialsSecret="deploy-key")
    try:
        took = platform.seconds_until(lambda: has_failed(platform, "private"), "the reason in the status")
        seconds("from a Website of no Secret to the reason in its status", took)
        assert "with Secret deploy-key" in synced(platform, "private")["message"]
        assert not platform.page(url_of("private"))

        login = ("--from-literal=username=deploy", "--from-literal=password=secret")
        platform.kubectl("create", "secret", "generic", "deploy-key", "-n", NAMESPACE, *login)
        # Without it, the kubelet's next try would be minutes away.
        platform.kubectl("delete", "pod", "-n", NAMESPACE, "-l", "app.kubernetes.io/instance=private")
        platform.eventually(lambda: platform.page(url_of("private")) == "private page", "the page")
        platform.eventually(lambda: synced(platform, "private").get("status") == "True", "the status")
    finally:
        platform.kubectl("delete", "website/private", "secret/deploy-key", "-n", NAMESPACE, "--ignore-not-found")
