import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.runtime.work_queue import LONGEST_DELAY, WorkQueue, backoff


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110  a test may poll
            await asyncio.sleep(0.001)


def test_a_key_added_many_times_before_its_turn_is_worked_on_once():
    async def scenario():
        done = []

        async def work(key):
            done.append(key)

        queue = WorkQueue[str](work, workers=2)
        for _ in range(100):
            queue.add("a")
        queue.add("b")
        await until(lambda: len(done) == 2)
        await queue.close(1)
        assert sorted(done) == ["a", "b"]

    asyncio.run(scenario())


def test_a_key_added_during_its_turn_gets_another_turn_after_it():
    async def scenario():
        seen = []
        state = "old"

        async def work(key: str) -> None:
            nonlocal state
            seen.append(state)
            if state == "old":
                state = "new"
                queue.add(key)

        queue = WorkQueue[str](work, workers=2)
        queue.add("a")
        await until(lambda: seen == ["old", "new"])
        await queue.close(1)

    asyncio.run(scenario())


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=60), st.integers(1, 5))
def test_no_key_is_ever_worked_on_twice_at_once_and_none_is_forgotten(added: list[str], workers: int):
    async def scenario():
        running: Counter[str] = Counter()
        versions: Counter[str] = Counter()
        last_seen: dict[str, int] = {}

        async def work(key: str) -> None:
            running[key] += 1
            assert running[key] == 1
            version = versions[key]
            await asyncio.sleep(0)
            running[key] -= 1
            last_seen[key] = version

        queue = WorkQueue[str](work, workers=workers)
        for key in added:
            versions[key] += 1
            queue.add(key)
            await asyncio.sleep(0)
        await until(lambda: last_seen == versions)
        assert queue.alive
        await queue.close(1)

    asyncio.run(scenario())


def test_a_failing_key_is_tried_again_and_does_not_hold_up_the_others():
    async def scenario():
        tries = Counter()

        async def work(key):
            tries[key] += 1
            if key == "bad" and tries[key] < 4:
                raise RuntimeError("not yet")

        queue = WorkQueue[str](work, workers=1, delay=lambda failures: 0.01 * failures)
        queue.add("bad")
        queue.add("good")
        await until(lambda: tries == {"bad": 4, "good": 1})
        await queue.close(1)

    asyncio.run(scenario())


def test_failures_in_a_row_are_counted_for_the_delay_and_forgotten_after_a_success():
    async def scenario():
        outcomes = iter([False, False, True, False, True])
        delays = []
        done = []

        async def work(key):
            done.append(key)
            if not next(outcomes):
                raise RuntimeError("refused")

        def delay(failures):
            delays.append(failures)
            return 0.0

        queue = WorkQueue[str](work, workers=1, delay=delay)
        queue.add("a")
        await until(lambda: len(done) == 3)
        queue.add("a")
        await until(lambda: len(done) == 5)
        await queue.close(1)
        assert delays == [1, 2, 1]

    asyncio.run(scenario())


def test_adding_a_key_that_waits_after_a_failure_gives_it_a_turn_at_once():
    async def scenario():
        tries = []

        async def work(key):
            tries.append(key)
            if len(tries) == 1:
                raise RuntimeError("refused")

        queue = WorkQueue[str](work, workers=1, delay=lambda _: 3600.0)
        queue.add("a")
        await until(lambda: len(tries) == 1)
        await asyncio.sleep(0.01)
        queue.add("a")
        await until(lambda: len(tries) == 2)
        await queue.close(1)

    asyncio.run(scenario())


def test_closing_lets_running_work_end_and_starts_no_other():
    async def scenario():
        ended = []
        begun = asyncio.Event()

        async def work(key):
            begun.set()
            await asyncio.sleep(0.05)
            ended.append(key)

        queue = WorkQueue[str](work, workers=1)
        queue.add("first")
        queue.add("second")
        await begun.wait()
        await queue.close(5)
        assert ended == ["first"]

    asyncio.run(scenario())


def test_closing_cancels_work_that_takes_longer_than_the_grace():
    async def scenario():
        begun = asyncio.Event()

        async def work(key):
            begun.set()
            await asyncio.sleep(3600)

        queue = WorkQueue[str](work, workers=1)
        queue.add("endless")
        await begun.wait()
        async with asyncio.timeout(2):
            await queue.close(0.01)
        assert not queue.alive

    asyncio.run(scenario())


@given(st.integers(1, 10**9))
def test_the_delay_grows_with_the_failures_up_to_its_limit(failures):
    assert backoff(failures) <= backoff(failures + 1) <= LONGEST_DELAY


@pytest.mark.parametrize(("failures", "seconds"), [(1, 0.5), (2, 1.0), (3, 2.0), (8, 60.0)])
def test_the_delay_doubles(failures, seconds):
    assert backoff(failures) == seconds
