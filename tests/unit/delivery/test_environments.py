"""What two stack files come to differently."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery.__main__ import main
from delivery.environments import as_lines, effective
from delivery.errors import DeliveryError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def write(folder: Path, stack: str, **sections: Any) -> None:
    whole = {"cluster": {"context": "one"}, **sections}
    config = {f"platform:{key}": value for key, value in whole.items()}
    (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": config}))


def test_a_default_that_is_written_out_is_no_difference(folder: Path) -> None:
    write(folder, "a")
    write(folder, "b", redis={"instances": effective("a", folder)["redis"]["instances"]})
    assert list(as_lines("a", "b", folder)) == ["## `a` and `b` differ in 0 settings"]


def test_a_version_that_runs_ahead_shows_against_the_pinned_one(folder: Path) -> None:
    write(folder, "a", longhorn={"chart": {"version": "9.9.9"}})
    write(folder, "b")
    (row,) = list(as_lines("a", "b", folder))[3:]
    pinned = effective("b", folder)["longhorn"]["chart"]["version"]
    assert row == f"| <code>longhorn.chart.version</code> | <code>9.9.9</code> | <code>{pinned}</code> |"


def test_an_encrypted_setting_is_not_shown(folder: Path) -> None:
    write(folder, "a", samples={"watcher": {"image": {"secure": "v1:abcdef"}}})
    write(folder, "b")
    shown = "\n".join(as_lines("a", "b", folder))
    assert "[secret]" in shown
    assert "abcdef" not in shown


def test_a_stack_file_that_is_not_there_is_named_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff-env", "staging", "nowhere"]) == 1
    assert "Pulumi.nowhere.yaml; allowed are dev, prod, staging" in capsys.readouterr().err


def test_wrong_settings_are_refused_as_the_program_refuses_them(folder: Path) -> None:
    write(folder, "a", redis={"instances": 0})
    with pytest.raises(DeliveryError, match=r"redis.instances = 0: allowed is 1 or more"):
        effective("a", folder)


def test_staging_and_prod_differ_in_what_prod_has_not_tried_yet() -> None:
    shown = "\n".join(as_lines("staging", "prod"))
    assert "cluster.context" in shown
    assert "calico.ipPools" not in shown
