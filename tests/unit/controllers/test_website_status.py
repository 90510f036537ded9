from datetime import UTC, datetime

import pytest
from lightkube.models.apps_v1 import DeploymentCondition, DeploymentStatus
from lightkube.models.meta_v1 import ObjectMeta

from controllers.website import manifests
from controllers.website.model import Website
from controllers.website.pods import Images
from controllers.website.status import failed_status, status_of

NOW = datetime(2026, 8, 1, 12, 0, 0, 999, tzinfo=UTC)
LATER = datetime(2026, 8, 1, 13, tzinfo=UTC)


def website(replicas=2, status=None):
    return Website(
        name="kubia",
        namespace="websites",
        uid="uid-1",
        generation=3,
        git_repo="https://git.example.com/site.git",
        ref="HEAD",
        path="",
        replicas=replicas,
        host=None,
        deleting=False,
        status=status or {},
    )


def deployment(*conditions, pods=0, observed=1):
    made = manifests.deployment(website(), Images(nginx="nginx:1", git_sync="git-sync:v4"))
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


def conditions(site, deployment, now=NOW):
    status = status_of(site, deployment, "cluster.local", now)
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
    assert status_of(website(), new, "cluster.local", NOW)["replicas"] == 0


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
    first = status_of(website(), ready, "cluster.local", NOW)
    assert status_of(website(status=first), ready, "cluster.local", LATER) == first
    failed = failed_status(website(), "NameConflict", "taken", NOW)
    assert failed_status(website(status=failed), "NameConflict", "taken", LATER) == failed


def test_a_condition_that_turns_gets_the_time_of_its_turn():
    first = status_of(website(), deployment(), "cluster.local", NOW)
    ready = conditions(website(status=first), deployment(("Available", "True", ""), pods=2), LATER)["Ready"]
    assert first["conditions"][0]["lastTransitionTime"] == "2026-08-01T12:00:00Z"
    assert ready["lastTransitionTime"] == "2026-08-01T13:00:00Z"


def test_a_failure_keeps_what_was_known_of_the_website():
    before = status_of(website(), deployment(("Available", "True", ""), pods=2), "cluster.local", NOW)
    after = failed_status(website(status=before), "Forbidden", "exceeded quota", LATER)
    assert {k: after[k] for k in ("url", "replicas", "selector")} == {
        k: before[k] for k in ("url", "replicas", "selector")
    }
    assert [(c["status"], c["message"]) for c in after["conditions"]] == [("False", "exceeded quota")] * 2
