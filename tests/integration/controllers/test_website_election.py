"""Two controllers, one of which leads: real processes and a real Lease, with shorter times than in production."""

import signal
import time

import pytest
from lightkube.resources.coordination_v1 import Lease
from lightkube.resources.core_v1 import Service
from website_harness import ACCOUNT, eventually

LEASE = 3.0
TIMES = ("--lease", f"{LEASE:g}", "--renew-deadline", "2", "--retry-period", "0.3")


@pytest.fixture
def pair(lab):
    """A leader and one that stands by."""
    options = ("--leader-election-namespace", lab.namespace, *TIMES)
    leader = lab.start(*options)
    eventually(lambda: assert_leads(leader))
    follower = lab.start(*options)
    return leader, follower


def assert_leads(running):
    assert running.metric("controller_leader") == 1


def holder(lab):
    return lab.get(Lease, ACCOUNT).spec.holderIdentity


def test_the_one_that_stands_by_is_ready_and_writes_nothing(lab, pair):
    leader, follower = pair
    lab.create("kubia")
    lab.wait_ready("kubia")
    assert follower.metric("controller_leader") == 0
    assert follower.writes() == {}
    assert follower.metric("controller_cached_objects", resource="websites") == 1
    assert leader.writes()["deployments"] == 1


def test_another_one_leads_at_once_when_the_leader_is_told_to_stop(lab, pair):
    leader, follower = pair
    leader.process.send_signal(signal.SIGTERM)
    assert leader.process.wait(20) == 0
    started = time.monotonic()
    eventually(lambda: assert_leads(follower))
    assert time.monotonic() - started < LEASE
    lab.create("kubia")
    lab.wait_ready("kubia")


def test_another_one_leads_after_the_lease_when_the_leader_is_killed(lab, pair):
    leader, follower = pair
    leader.process.kill()
    leader.process.wait(20)
    lab.create("kubia")
    lab.wait_ready("kubia")
    assert_leads(follower)
    assert lab.get(Lease, ACCOUNT).spec.leaseTransitions == 2


def test_a_leader_that_was_stopped_past_its_lease_writes_nothing_more_and_ends(lab, pair):
    leader, follower = pair
    lab.create("kubia")
    lab.wait_ready("kubia")
    leader.process.send_signal(signal.SIGSTOP)
    eventually(lambda: assert_leads(follower))

    follower.process.send_signal(signal.SIGSTOP)  # so that nobody but the leader of old could write
    # It finds the news of this in its socket when it goes on.
    lab.api.delete(Service, "kubia-website", namespace=lab.namespace)
    leader.process.send_signal(signal.SIGCONT)
    assert leader.process.wait(20) == 1
    assert "was not renewed in time" in lab.log()
    assert lab.missing(Service, "kubia-website")

    follower.process.kill()
    lab.start("--leader-election-namespace", lab.namespace, *TIMES)
    eventually(lambda: lab.get(Service, "kubia-website"))


def test_a_leader_without_an_api_server_stops_writing_before_another_one_may_start(lab, pair):
    """Its token is refused from now on: it can't renew."""
    leader, follower = pair
    identity = holder(lab)
    lab.token_file.write_text("no-such-token")
    assert leader.process.wait(20) == 1
    lab.renew_token()
    eventually(lambda: assert_leads(follower))
    assert holder(lab) != identity
