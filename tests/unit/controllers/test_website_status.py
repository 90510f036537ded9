from datetime import UTC, datetime

import pytest
from lightkube.models.apps_v1 import DeploymentCondition, DeploymentStatus
from lightkube.models.meta_v1 import ObjectMeta

from controllers.website import manifests
from controllers.website.model import Website
from controllers.website.pod_trouble import Trouble
from controllers.website.pods import PodOptions
from controllers.website.status import Seen, essence, failed_status, news, status_of

GIT_REPO = "https://git.example.com/site.git"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
NOW = datetime(2026, 8, 1, 12, 0, 0, 999, tzinfo=UTC)
LATER = datetime(2026, 8, 1, 13, tzinfo=UTC)


def website(replicas=2, status=None, *, name="kubia", **spec):
    metadata = {
        "name": name,
        "namespace": "websites",
        "uid": f"uid-of-{name}",
        "generation": 3,
        "creationTimestamp": "2026-08-01T11:00:00Z",
    }
    defaults = {"gitRepo": GIT_REPO, "ref": "HEAD", "path": "", "syncPeriod": "60s", "serviceType": "NodePort"}
    return Website.from_object(
        {"metadata": metadata, "spec": {**defaults, "replicas": replicas, **spec}, "status": status or {}}
    )


def deployment(*conditions, pods=0, observed=1):
    made = manifests.deployment(website(), PodOptions(nginx="nginx:1", git_sync="git-sync:v4"))
    made.metadata = ObjectMeta(name="kubia-website", generation=1)
    made.status = DeploymentStatus(
        observedGeneration=observed,
        replicas=pods,
        updatedReplicas=pods,
        availableReplicas=pods,
        conditions=[
            DeploymentCondition(type=kind, status=truth, reason="R", message=message)
            for kind, truth, message in conditions
        ],
    )
    return made


def conditions(site, deployment, now=NOW, seen=Seen()):  # noqa: B008  it is frozen
    status = status_of(site, deployment, seen, "cluster.local", now)
    return {c["type"]: c for c in status["conditions"]}


def test_a_website_is_ready_when_its_deployment_is_available():
    found = conditions(website(), deployment(("Available", "True", ""), pods=2))
    assert (found["Ready"]["status"], found["Ready"]["observedGeneration"]) == ("True", 3)
    assert (found["Progressing"]["status"], found["Progressing"]["reason"]) == ("False", "RolledOut")


def test_a_website_stays_ready_while_a_new_version_rolls_out():
    rolling = deployment(("Available", "True", ""), pods=3)
    assert conditions(website(), rolling)["Ready"]["status"] == "True"
    assert conditions(website(), rolling)["Progressing"]["status"] == "True"


def test_numbers_of_an_older_deployment_spec_are_no_proof_of_a_finished_rollout():
    unseen = deployment(("Available", "True", ""), pods=2, observed=0)
    assert conditions(website(), unseen)["Progressing"]["reason"] == "RollingOut"


def test_a_deployment_without_status_is_not_ready():
    new = deployment()
    new.status = None
    assert conditions(website(), new)["Ready"]["message"] == "0 of 2 pods are available"
    assert status_of(website(), new, Seen(), "cluster.local", NOW)["replicas"] == 0


@pytest.mark.parametrize(
    ("kind", "truth", "aspect"),
    [("ReplicaFailure", "True", "Ready"), ("Progressing", "False", "Progressing")],
)
def test_what_the_deployment_says_of_its_trouble_is_passed_on(kind, truth, aspect):
    found = conditions(website(), deployment((kind, truth, "exceeded quota: few")))
    assert found[aspect]["status"] == "False"
    assert found[aspect]["message"] == "exceeded quota: few"


def test_a_website_scaled_to_zero_is_not_ready_though_its_deployment_is_available():
    found = conditions(website(replicas=0), deployment(("Available", "True", "")))
    assert (found["Ready"]["status"], found["Ready"]["reason"]) == ("False", "ScaledToZero")
    assert found["Progressing"]["reason"] == "RolledOut"


def test_an_unchanged_state_gives_the_same_status_at_any_later_time():
    ready = deployment(("Available", "True", ""), pods=2)
    first = status_of(website(), ready, Seen(), "cluster.local", NOW)
    assert status_of(website(status=first), ready, Seen(), "cluster.local", LATER) == first
    failed = failed_status(website(), "NameConflict", "taken", NOW)
    assert failed_status(website(status=failed), "NameConflict", "taken", LATER) == failed


def test_a_condition_that_turns_gets_the_time_of_its_turn():
    first = status_of(website(), deployment(), Seen(), "cluster.local", NOW)
    ready = conditions(website(status=first), deployment(("Available", "True", ""), pods=2), LATER)["Ready"]
    assert first["conditions"][0]["lastTransitionTime"] == "2026-08-01T12:00:00Z"
    assert ready["lastTransitionTime"] == "2026-08-01T13:00:00Z"


def test_a_failure_keeps_what_was_known_of_the_website():
    before = status_of(website(), deployment(("Available", "True", ""), pods=2), Seen(), "cluster.local", NOW)
    after = failed_status(website(status=before), "Forbidden", "exceeded quota", LATER)
    assert {k: after[k] for k in ("url", "replicas", "selector")} == {
        k: before[k] for k in ("url", "replicas", "selector")
    }
    assert [(c["type"], c["status"], c["message"]) for c in after["conditions"]] == [
        ("Ready", "False", "exceeded quota"),
        ("Progressing", "False", "exceeded quota"),
        ("Synced", "Unknown", "exceeded quota"),
    ]


def test_what_git_says_of_a_repository_is_shown_with_the_secret_that_was_used():
    seen = Seen(trouble=Trouble("clone", "Error", "fatal: repository not found"))
    found = conditions(website(credentialsSecret="deploy"), deployment(), seen=seen)
    assert (found["Synced"]["status"], found["Synced"]["reason"]) == ("False", "SyncFailed")
    assert (
        found["Synced"]["message"] == f"can't fetch HEAD of {GIT_REPO} with Secret deploy: fatal: repository not found"
    )
    assert "clone: Error: fatal: repository not found" in found["Ready"]["message"]


def test_an_image_that_cannot_be_had_is_no_fault_of_the_repository():
    seen = Seen(trouble=Trouble("nginx", "ImagePullBackOff", "not found"))
    found = conditions(website(), deployment(), seen=seen)
    assert found["Synced"]["status"] == "Unknown"
    assert "nginx: ImagePullBackOff" in found["Ready"]["message"]


def test_a_reported_commit_stays_until_another_one_is_reported():
    ready = deployment(("Available", "True", ""), pods=2)
    status = status_of(website(), ready, Seen(commit=COMMIT), "cluster.local", NOW)
    assert status["commit"] == COMMIT
    again = status_of(website(status=status), ready, Seen(), "cluster.local", LATER)
    assert again["commit"] == COMMIT
    synced = next(c for c in again["conditions"] if c["type"] == "Synced")
    assert synced["message"] == f"pods serve commit {COMMIT}"


def test_the_younger_of_two_websites_with_one_host_is_not_ready_and_answers_at_its_service():
    ready = deployment(("Available", "True", ""), pods=2)
    seen = Seen(rival=website(name="older"))
    status = status_of(website(host="a.example.com"), ready, seen, "cluster.local", NOW)
    assert status["url"].startswith("http://kubia-website.")
    condition = status["conditions"][0]
    assert (condition["status"], condition["reason"]) == ("False", "HostConflict")
    assert condition["message"] == "host a.example.com belongs to the older Website websites/older"


def test_counts_and_messages_alone_are_not_worth_a_write_at_once():
    first = status_of(website(), deployment(pods=0), Seen(), "cluster.local", NOW)
    some = deployment(pods=1)
    counted = status_of(website(status=first), some, Seen(commit=COMMIT), "cluster.local", NOW)
    assert counted != first
    assert essence(counted) == essence(first)
    ready = status_of(website(status=first), deployment(("Available", "True", ""), pods=2), Seen(), "c", NOW)
    assert essence(ready) != essence(first)


def test_a_new_commit_of_a_ready_website_is_worth_a_write():
    ready = deployment(("Available", "True", ""), pods=2)
    first = status_of(website(), ready, Seen(), "cluster.local", NOW)
    assert essence(status_of(website(), ready, Seen(commit=COMMIT), "cluster.local", NOW)) != essence(first)


def test_people_hear_of_a_problem_once_and_of_its_end():
    starting = status_of(website(), deployment(), Seen(), "cluster.local", NOW)
    conflict = failed_status(website(status=starting), "NameConflict", "taken", NOW)
    ready = status_of(website(), deployment(("Available", "True", ""), pods=2), Seen(), "cluster.local", NOW)
    assert [(n.type, n.reason, n.note) for n in news(starting, conflict)] == [("Warning", "NameConflict", "taken")]
    assert list(news(conflict, conflict)) == []
    assert [n.reason for n in news(conflict, ready)] == ["Recovered"]
    assert list(news(starting, ready)) == []
    assert list(news({}, starting)) == []
