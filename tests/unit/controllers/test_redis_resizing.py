"""Sentinels forget removed members one at a time, and only while nothing else is going on."""

from dataclasses import replace

from controllers.redis.members import View
from controllers.redis.resizing import next_to_forget

EXACT = View(4, "redis-sfs-0", "", quorum=2, replicas=2, sentinels=2, calm=True)
TOO_MANY = replace(EXACT, replicas=4, sentinels=4)


def chosen(*views: View) -> str | None:
    return next_to_forget([replace(view, host=f"redis-sfs-{ordinal}") for ordinal, view in enumerate(views)], 3)


def test_those_who_know_too_many_forget_one_after_the_other() -> None:
    assert chosen(TOO_MANY, TOO_MANY, TOO_MANY) == "redis-sfs-0"
    assert chosen(EXACT, TOO_MANY, TOO_MANY) == "redis-sfs-1"
    assert chosen(EXACT, EXACT, TOO_MANY) == "redis-sfs-2"
    assert chosen(EXACT, EXACT, EXACT) is None


def test_a_removed_replica_or_a_removed_sentinel_is_enough() -> None:
    for excess in (replace(EXACT, replicas=3), replace(EXACT, sentinels=3)):
        assert chosen(EXACT, excess, EXACT) == "redis-sfs-1"


def test_one_that_has_not_found_all_members_again_is_waited_for() -> None:
    for short in (replace(EXACT, sentinels=1), replace(EXACT, replicas=0), replace(TOO_MANY, sentinels=1)):
        assert chosen(short, TOO_MANY, TOO_MANY) is None


def test_nothing_is_forgotten_while_a_sentinel_is_away_or_disagrees() -> None:
    assert chosen(TOO_MANY, TOO_MANY) is None
    assert chosen(TOO_MANY, TOO_MANY, replace(TOO_MANY, epoch=5)) is None
    assert chosen(TOO_MANY, TOO_MANY, replace(TOO_MANY, primary="redis-sfs-1")) is None


def test_nothing_is_forgotten_while_a_sentinel_misses_the_primary() -> None:
    assert chosen(TOO_MANY, replace(TOO_MANY, calm=False), TOO_MANY) is None
