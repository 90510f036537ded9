"""The stand-ins lie where the engine looks, and never in the official plugins' way."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from sandbox.provider.install import install

if TYPE_CHECKING:
    from pathlib import Path


def programs(home: Path) -> dict[str, Path]:
    """Return where the plugins of the installed SDKs' versions belong."""
    return {
        name: home / "plugins" / f"resource-{name}-v{version(f'pulumi-{name}')}" / f"pulumi-resource-{name}"
        for name in ("kubernetes", "random")
    }


def test_both_plugins_are_installed_at_the_versions_of_their_sdks(tmp_path: Path) -> None:
    install(tmp_path)
    for name, program in programs(tmp_path).items():
        assert program.stat().st_mode & 0o111
        assert f"sandbox.provider.{name}" in program.read_text()


def test_an_official_plugin_stays(tmp_path: Path) -> None:
    official = programs(tmp_path)["kubernetes"]
    official.parent.mkdir(parents=True)
    official.write_text("official")
    install(tmp_path)
    assert official.read_text() == "official"
    assert programs(tmp_path)["random"].exists()


def test_a_stand_in_follows_the_checkout_that_installs_it(tmp_path: Path) -> None:
    install(tmp_path)
    program = programs(tmp_path)["random"]
    program.write_text(program.read_text().replace("PYTHONPATH=", "PYTHONPATH=/moved"))
    install(tmp_path)
    assert "/moved" not in program.read_text()
