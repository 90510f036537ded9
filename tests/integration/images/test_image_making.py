"""Making images: the same content gives the same bytes and is made once; nothing of the machine gets in."""

import json
import os
import shutil
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox import images
from sandbox.errors import SandboxError
from sandbox.images import archive, layers, packages, recipes
from sandbox.images.__main__ import main
from sandbox.images.additions import Sources
from sandbox.progress import Progress
from sandbox.toolchain.cache import cache_folder

ROOT = Path(__file__).parents[3]
QUIET = Progress(quiet=True)

pytestmark = pytest.mark.skipif(shutil.which("apt-get") is None, reason="images are made from Debian's packages")


@pytest.fixture(scope="module")
def made() -> dict[str, Path]:
    return images.ensure(QUIET)


@pytest.fixture
def another_cache(made: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that has Debian's packages and nothing else."""
    (tmp_path / "images").mkdir()
    # One for each choice of packages that a checkout has made.
    for downloaded in (cache_folder() / "images").glob("*/layers.json"):
        (tmp_path / "images" / downloaded.parent.name).symlink_to(downloaded.parent)
    monkeypatch.setenv("PLATFORM_CACHE", str(tmp_path))
    return tmp_path


def entries(image: Path) -> Iterator[tuple[tarfile.TarFile, tarfile.TarInfo]]:
    """Give what all layers of an archive hold."""
    with tarfile.open(image) as members:
        for layer in _manifest(members, image)["layers"]:
            content = members.extractfile(_place(layer["digest"]))
            with tarfile.open(fileobj=content) as held:
                yield from ((held, entry) for entry in held)


def _manifest(members: tarfile.TarFile, image: Path) -> dict[str, Any]:
    return json.loads(_document(members, archive.digest_of(image)))


def _document(members: tarfile.TarFile, digest: str) -> bytes:
    return read(members, _place(digest))


def _place(digest: str) -> str:
    return digest.replace("sha256:", "blobs/sha256/")


def read(members: tarfile.TarFile, name: str) -> bytes:
    file = members.extractfile(name)
    assert file is not None
    return file.read()


@pytest.mark.parametrize("name", ["redis", "git-sync", "controllers"])
def test_a_fresh_build_gives_the_same_digest_whatever_the_umask(made: dict[str, Path], another_cache: Path, name: str):
    before = os.umask(0o077)
    try:
        again = images.ensure(QUIET, [name])[name]
    finally:
        os.umask(before)
    assert again.is_relative_to(another_cache)
    assert archive.digest_of(again) == archive.digest_of(made[name])


def test_what_is_there_is_given_without_any_program(made: dict[str, Path], monkeypatch: pytest.MonkeyPatch):
    coredns = os.pathsep.join(str(path.parent) for path in (cache_folder() / "tools").glob("coredns-*/coredns"))
    monkeypatch.setenv("PATH", coredns)
    written = {image: image.stat().st_mtime_ns for image in made.values()}
    assert images.ensure(QUIET) == made
    assert {image: image.stat().st_mtime_ns for image in made.values()} == written


def test_an_edited_or_renamed_source_changes_the_fingerprint(tmp_path: Path):
    base = tmp_path / "base"
    (base / "program").mkdir(parents=True)
    source = base / "program" / "main.py"
    addition = Sources("app", base, ("program",))
    source.write_text("print(1)\n")
    first = addition.fingerprint()
    source.write_text("print(2)\n")
    second = addition.fingerprint()
    source.rename(source.with_name("other.py"))
    assert len({first, second, addition.fingerprint()}) == 3


def test_images_hold_nothing_of_this_machine(made: dict[str, Path]):
    """No sources of apt, no users, no path of the checkout; and nobody becomes another user by running a file."""
    strange: list[str] = []
    for name, image in made.items():
        for held, entry in entries(image):
            special = entry.mode & (stat.S_ISUID | stat.S_ISGID)
            foreign = entry.uid or entry.gid or entry.uname or entry.mtime != layers.SOURCE_DATE_EPOCH
            open_to_all = entry.isdir() and entry.mode & stat.S_IWOTH and not entry.mode & stat.S_ISVTX
            machine = entry.name.startswith(("etc/apt", "var/lib/apt", "var/cache/apt"))
            written = (
                entry.isreg()
                and entry.name.startswith(("app/", "etc/"))
                and str(ROOT).encode() in read(held, entry.name)
            )
            if special or foreign or open_to_all or machine or written:
                strange.append(f"{name}: {entry.name}")
    assert strange == []


def test_a_layer_that_images_share_is_the_same_in_all(made: dict[str, Path]):
    first = {
        name: next(iter(_layers(made[name]))) for name in ("redis", "nginx", "memcached", "controllers", "toolbox")
    }
    assert len(set(first.values())) == 1
    assert _layers(made["toolbox"])[:3] == _layers(made["git-sync"])[:3]


def _layers(image: Path) -> list[str]:
    with tarfile.open(image) as members:
        return [layer["digest"] for layer in _manifest(members, image)["layers"]]


def test_all_images_together_stay_small(made: dict[str, Path]):
    """Three nodes unpack them all; a layer counts once."""
    sizes: dict[str, int] = {}
    for image in made.values():
        with tarfile.open(image) as members:
            sizes |= {member.name: member.size for member in members}
    assert sum(sizes.values()) < 450_000_000


def test_the_licences_of_the_packages_are_kept(made: dict[str, Path]):
    names = {entry.name for _, entry in entries(made["redis"])}
    assert "usr/share/doc/redis-server/copyright" in names
    assert not any(name.startswith("usr/share/man/") for name in names)


def test_the_controllers_are_those_of_the_lock(made: dict[str, Path]):
    lock = (ROOT / "requirements-controllers.txt").read_text()
    locked = {line.split("==")[0].lower().replace("-", "_") for line in lock.splitlines() if "==" in line}
    infos = {entry.name.split("/")[5] for _, entry in entries(made["controllers"]) if ".dist-info/" in entry.name}
    there = {info.partition("-")[0].lower() for info in infos}
    assert {"aiohttp", "lightkube"} <= there <= locked


def test_the_controllers_image_runs_as_its_dockerfile_says(made: dict[str, Path]):
    lines = (ROOT / "controllers" / "Dockerfile").read_text().splitlines()
    said = {line.split()[0]: line.partition(" ")[2] for line in lines if line and line[0].isupper()}
    with tarfile.open(made["controllers"]) as members:
        config = json.loads(_document(members, _manifest(members, made["controllers"])["config"]["digest"]))["config"]
    assert config["User"] == said["USER"]
    assert config["WorkingDir"] == said["WORKDIR"]
    assert config["Entrypoint"] == json.loads(said["ENTRYPOINT"])
    assert set(said["ENV"].split()) <= set(config["Env"])


def test_packages_of_another_release_are_refused():
    recipe = next(recipe for recipe in recipes.RECIPES if recipe.name == "redis")
    with pytest.raises(SandboxError, match=r"redis-server 6\.0, but apt has 7\.0\.15-1"):
        packages._check_version(replace(recipe, version="6.0"), ["redis-server_5%3a7.0.15-1_amd64.deb"])


def test_an_unknown_image_is_named_with_those_that_are_known():
    with pytest.raises(SandboxError, match=r"No such image: mysql.*redis-exporter"):
        images.ensure(QUIET, ["mysql"])
    with pytest.raises(SandboxError, match="No such image: python"):
        images.reference("python")


def test_the_command_prints_each_image_with_its_digest(
    made: dict[str, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.argv", ["images", "pause", "redis"])
    assert main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [
        [images.reference(name), archive.digest_of(made[name])] for name in ("pause", "redis")
    ]
