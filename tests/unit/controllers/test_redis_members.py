"""What a majority of Sentinels says is believed, and nothing less."""

import pytest

from controllers.redis.members import View, agreed

ZERO, ONE = "redis-sfs-0.redis-sfs", "redis-sfs-1.redis-sfs"


def view(epoch: int, primary: str, *, sentinels: int = 2, calm: bool = True) -> View:
    return View(epoch, primary, ZERO, quorum=2, replicas=2, sentinels=sentinels, calm=calm)


@pytest.mark.parametrize(
    ("views", "members", "primary"),
    [
        ([view(1, ZERO)] * 3, 3, ZERO),
        ([view(1, ZERO)] * 2, 3, ZERO),
        ([view(1, ZERO)], 3, None),
        ([], 3, None),
        # A failover that only its leader knows of isn't decided yet.
        ([view(2, ONE), view(1, ZERO), view(1, ZERO)], 3, None),
        ([view(2, ONE), view(2, ONE), view(1, ZERO)], 3, ONE),
        ([view(2, ONE)] * 2, 5, None),
        ([view(2, ONE)] * 3 + [view(1, ZERO)] * 2, 5, ONE),
        # Whatever else they say.
        ([view(1, ZERO, sentinels=4), view(1, ZERO, calm=False)], 3, ZERO),
    ],
)
def test_the_newest_view_counts_once_a_majority_of_all_members_shares_it(
    views: list[View], members: int, primary: str | None
) -> None:
    assert agreed(views, members) == primary
