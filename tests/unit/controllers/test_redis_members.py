"""What a majority of Sentinels says is believed, and nothing less."""

import pytest

from controllers.redis.members import View, agreed

ZERO, ONE = "redis-sfs-0.redis-sfs", "redis-sfs-1.redis-sfs"


@pytest.mark.parametrize(
    ("views", "members", "primary"),
    [
        ([View(1, ZERO)] * 3, 3, ZERO),
        ([View(1, ZERO)] * 2, 3, ZERO),
        ([View(1, ZERO)], 3, None),
        ([], 3, None),
        # A failover that only its leader knows of isn't decided yet.
        ([View(2, ONE), View(1, ZERO), View(1, ZERO)], 3, None),
        ([View(2, ONE), View(2, ONE), View(1, ZERO)], 3, ONE),
        ([View(2, ONE)] * 2, 5, None),
        ([View(2, ONE)] * 3 + [View(1, ZERO)] * 2, 5, ONE),
    ],
)
def test_the_newest_view_counts_once_a_majority_of_all_members_shares_it(
    views: list[View], members: int, primary: str | None
) -> None:
    assert agreed(views, members) == primary
