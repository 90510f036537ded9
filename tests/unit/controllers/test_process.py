from itertools import islice

from controllers.runtime.process import WatchBackoff


def test_a_watch_never_gives_up_and_never_waits_long():
    backoff = WatchBackoff()
    first, second = list(islice(backoff, 10_000)), list(islice(backoff, 10_000))
    assert first == second  # every request starts from the beginning
    assert len(first) == 10_000
    assert max(first) <= 10
    assert first == sorted(first)
