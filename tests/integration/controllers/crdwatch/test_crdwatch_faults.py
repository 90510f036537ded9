"""What crdwatch logs when something is in the way between it and the API server."""

import json
import signal
import time
from itertools import pairwise

import pytest
from crdwatch_harness import until
from lightkube.resources.core_v1 import Secret
from website_harness import eventually

EXPIRED = {
    "kind": "Status",
    "apiVersion": "v1",
    "status": "Failure",
    "message": "too old resource version: 1 (2)",
    "reason": "Expired",
    "code": 410,
}
GONE_AS_STATUS = (410, json.dumps(EXPIRED))
GONE_AS_EVENT = (200, json.dumps({"type": "ERROR", "object": EXPIRED}) + "\n")
FIRST = [("added", "changed", 1), ("added", "deleted", 2), ("added", "same", 3)]


@pytest.fixture
def watching(lab):
    """A running watcher that has logged three Samples."""
    for _, name, value in FIRST:
        lab.create(name, value)
    lab.start()
    lab.wait_told(*FIRST)
    until(lambda: lab.proxy.watched)
    return lab


def change_all(lab):
    lab.change("changed", 10)
    lab.delete("deleted")
    lab.create("passing", 4)
    lab.delete("passing")
    lab.create("new", 5)


def test_a_broken_watch_goes_on_where_it_broke(watching):
    watching.cut_off()
    change_all(watching)
    watching.proxy.away = False
    watching.wait_told(
        *FIRST,
        ("modified", "changed", 10),
        ("deleted", "deleted", 2),
        ("added", "passing", 4),
        ("deleted", "passing", 4),
        ("added", "new", 5),
    )
    lists = [path for _, path in watching.proxy.requests if "watch=true" not in path]
    assert len(lists) == 1


@pytest.mark.parametrize("gone", [GONE_AS_STATUS, GONE_AS_EVENT], ids=["status", "event"])
def test_after_a_410_only_what_differs_is_logged_behind_one_gap(watching, gone):
    watching.cut_off()
    change_all(watching)
    watching.proxy.answer_next(*gone)
    watching.proxy.away = False
    # Listed by name, and what is gone comes first.
    watching.wait_told(
        *FIRST, ("gap", "", None), ("deleted", "deleted", 2), ("modified", "changed", 10), ("added", "new", 5)
    )
    watching.change("same", 30)
    until(lambda: watching.told()[-1] == ("modified", "same", 30))
    (gap,) = [record for record in watching.records() if record["type"] == "gap"]
    assert gap.keys() == {"time", "type", "reason", "since", "until"}
    assert gap["reason"] == "the resource version is too old to resume from"
    assert int(gap["since"]) < int(gap["until"])


def test_a_gap_in_which_nothing_happened_is_a_gap_and_nothing_else(watching):
    watching.proxy.answer_next(*GONE_AS_STATUS)
    watching.proxy.cut()
    watching.wait_told(*FIRST, ("gap", "", None))


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (500, json.dumps({"kind": "Status", "code": 500, "message": "etcdserver: request timed out"})),
        (502, "<html>bad gateway</html>"),
        (503, ""),
        (200, "<html>welcome</html>\n"),
        (200, json.dumps({"type": "ERROR", "object": {"code": 504, "message": "timed out"}}) + "\n"),
        (200, '{"type": "MODIFIED", "object": {"meta'),
    ],
    ids=["500", "502 without a Status", "503", "no API server at all", "error in a watch", "half an event"],
)
def test_after_an_answer_of_no_use_the_watch_goes_on_where_it_was(watching, status, text):
    watching.proxy.answer_next(status, text)
    watching.proxy.cut()
    watching.change("same", 30)
    watching.wait_told(*FIRST, ("modified", "same", 30))


def test_an_api_server_that_asks_for_patience_gets_it(watching):
    watching.proxy.answer_next(429, "{}", {"Retry-After": "3"})
    watching.proxy.cut()
    watching.change("same", 30)
    watching.wait_told(*FIRST, ("modified", "same", 30))
    times = [when for when, path in watching.proxy.requests if "watch=true" in path]
    refused, retried = times[-2:]
    assert 3 <= retried - refused < 6


def test_pauses_grow_while_the_api_server_is_away(watching):
    watching.cut_off()
    until(lambda: len(watching.proxy.requests) >= 5)
    watching.proxy.away = False
    pauses = [later - earlier for (earlier, _), (later, _) in pairwise(watching.proxy.requests[2:5])]
    assert pauses[1] > 1.5 * pauses[0]


def test_a_renewed_token_is_used_when_the_old_one_dies(lab):
    lab.renew_token(bound_to="short-lived")
    lab.start()
    lab.create("before", 1)
    lab.wait_told(("added", "before", 1))
    lab.api.delete(Secret, "short-lived", namespace=lab.namespace)

    # The API server trusts a token that it has just seen for some seconds more.
    def refused():
        lab.proxy.cut()
        assert "refuses: 401" in lab.messages()

    eventually(refused)
    lab.create("after", 2)
    lab.renew_token()
    lab.wait_told(("added", "before", 1), ("added", "after", 2))


def test_a_connection_gone_silent_is_given_up(lab):
    lab.create("same", 3)
    lab.start(WATCH_IDLE_SECONDS="3")
    lab.wait_told(("added", "same", 3))
    until(lambda: lab.proxy.watched)
    lab.proxy.freeze()
    lab.change("same", 30)
    lab.wait_told(("added", "same", 3), ("modified", "same", 30))
    assert "no answer of the API server" in lab.messages()


def test_a_restarted_watcher_logs_what_happened_while_it_was_away(watching):
    assert watching.stop(signal.SIGKILL) == -signal.SIGKILL
    watching.change("changed", 10)
    watching.delete("deleted")
    watching.start()
    watching.wait_told(*FIRST, ("modified", "changed", 10), ("deleted", "deleted", 2))


def test_a_watcher_that_was_killed_at_any_moment_misses_nothing_and_repeats_one_record_at_most(lab):
    kills = 6
    lab.start()
    for number in range(kills):
        for part in range(4):
            lab.create(f"s-{number}-{part}", part)
        time.sleep(0.1 * number)
        lab.stop(signal.SIGKILL)
        lab.start()

    def complete():
        names = [name for _, name, _ in lab.told()]
        assert sorted(set(names)) == [f"s-{number}-{part}" for number in range(kills) for part in range(4)]
        assert len(names) - len(set(names)) <= kills

    eventually(complete)
    assert {record for record, _, _ in lab.told()} == {"added"}


def test_without_a_state_file_a_restarted_watcher_starts_anew(watching):
    watching.stop()
    watching.start(STATE_FILE="")
    watching.wait_told(*FIRST, *FIRST)
    watching.stop()


def test_a_state_file_of_another_kind_or_namespace_is_not_gone_on_from(watching):
    watching.stop()
    watching.start(WATCH_NAMESPACE="default")
    until(lambda: "refuses: 403" in watching.messages())
    watching.stop()
    watching.start()
    watching.wait_told(*FIRST, *FIRST)
