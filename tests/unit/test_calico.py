"""A pool that stays can't change its addresses."""

from typing import Any

import pytest

from components.calico import refuse_immutable_change


def inputs(*pools: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"calicoNetwork": {"ipPools": list(pools)}}}


OLD = {"name": "a", "cidr": "172.31.0.0/16", "blockSize": 26.0, "natOutgoing": "Enabled"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"blockSize": 24.0}, "pool 'a': blockSize 26 -> 24"),
        ({"cidr": "172.30.0.0/16"}, "pool 'a': cidr 172.31.0.0/16 -> 172.30.0.0/16"),
    ],
)
def test_a_changed_immutable_field_is_named_with_both_values_and_the_way(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match="add a second pool") as refused:
        refuse_immutable_change(inputs(OLD), inputs({**OLD, **change}))
    assert told in str(refused.value)


@pytest.mark.parametrize(
    "pools",
    [
        [OLD],
        [{**OLD, "natOutgoing": "Disabled"}],
        [OLD, {"name": "b", "cidr": "172.30.0.0/16", "blockSize": 24.0}],
        [{"name": "b", "cidr": "172.30.0.0/16", "blockSize": 24.0}],
    ],
    ids=["no change", "another field", "a second pool", "the old pool removed"],
)
def test_every_step_of_a_migration_is_let_through(pools: list[dict[str, Any]]) -> None:
    refuse_immutable_change(inputs(OLD), inputs(*pools))
