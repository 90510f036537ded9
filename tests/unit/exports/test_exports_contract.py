"""No key that a release exported goes away: programs of other teams read it."""

import copy

import pytest

from tests.unit.declared import Declared
from tests.unit.exports.contracts import UNRELEASED, VERSIONS, broken_promises, contract, shape


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_every_key_that_a_release_exported_is_exported_still(
    version: str, environment: str, request: pytest.FixtureRequest
) -> None:
    declared: Declared = request.getfixturevalue(environment)
    assert broken_promises(contract(version), version, declared.exports) == []


def test_a_new_key_is_written_down_before_it_is_released(dev: Declared) -> None:
    unwritten = shape(dev.exports).keys() - shape(contract(UNRELEASED)).keys()
    assert not unwritten, f"add {sorted(unwritten)} to tests/unit/exports/released/{UNRELEASED}.json"


@pytest.mark.parametrize("key", ["redis", "postgres.replicaHost", "redis.passwordSecret.key"])
def test_a_removed_key_is_named(key: str, dev: Declared) -> None:
    exports = copy.deepcopy(dev.exports)
    *parents, last = key.split(".")
    section = exports
    for parent in parents:
        section = section[parent]
    del section[last]
    found = broken_promises(contract("0.1.0"), "0.1.0", exports)
    assert found[0].startswith(f"components/exports.py exports '{key}' no longer; release 0.1.0 promised it")


def test_a_key_of_another_kind_is_named(dev: Declared) -> None:
    exports = copy.deepcopy(dev.exports)
    exports["redis"]["port"] = "6379"
    (found,) = broken_promises(contract("0.1.0"), "0.1.0", exports)
    assert "'redis.port' as str; release 0.1.0 promised it as int" in found
