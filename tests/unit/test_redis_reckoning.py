"""The harness counts what two primaries both promised, and nothing else."""

from tests.faults.redis.measure import MAX_LAG, Acknowledged, late_writes

OLD, NEW = "redis-sfs-0", "redis-sfs-1"


def writes(server: str, start: float, end: float) -> list[Acknowledged]:
    return [Acknowledged(0, moment / 2, server) for moment in range(int(start * 2), int(end * 2))]


def test_a_change_of_the_primary_is_no_overlap() -> None:
    assert late_writes([*writes(OLD, 0, 10), *writes(NEW, 14, 60)]) == 0


def test_an_old_primary_may_lag_for_as_long_as_it_takes_to_miss_its_replicas() -> None:
    assert late_writes([*writes(OLD, 0, 10 + MAX_LAG), *writes(NEW, 10, 60)]) == 0


def test_each_write_of_an_old_primary_after_that_counts() -> None:
    # Half a second apart; those of the first half second after the limit are at the limit.
    assert late_writes([*writes(OLD, 0, 10 + MAX_LAG + 2), *writes(NEW, 10, 60)]) == 3


def test_a_primary_that_leads_again_later_is_no_second_one() -> None:
    assert late_writes([*writes(OLD, 0, 10), *writes(NEW, 14, 30), *writes(OLD, 34, 60)]) == 0
