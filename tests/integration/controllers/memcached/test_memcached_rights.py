"""The rights of the Memcached controller against the API server's audit log: what is granted is what is used."""

import pytest
from audit import denied, edit_by_hand, granted, requests, spoken, used
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Service
from lightkube.resources.policy_v1 import PodDisruptionBudget
from memcached_harness import ACCOUNT, open_lab, until

from controllers.memcached.names import HASH_ANNOTATION
from controllers.memcached.rbac import NAMESPACE_RULES
from controllers.runtime.rules import ELECTION_RULES

RIGHTS = granted((*NAMESPACE_RULES, *ELECTION_RULES))


@pytest.fixture(scope="module")
def asked(api, declared, cluster, tmp_path_factory):
    """What a controller that has done all that it ever does asked of the API server, which logs before it answers."""
    with open_lab(api, declared, cluster.kubeconfig, tmp_path_factory.mktemp("rights")) as lab:
        lab.allow_election()
        lab.start("--leader-election-namespace", lab.namespace)
        lab.create("sessions", size=2)
        lab.wait_size("sessions", 2)
        for kind in (Deployment, Service, PodDisruptionBudget):
            edit_by_hand(lab, kind, "sessions", HASH_ANNOTATION)
        lab.resize("sessions", 1)
        until(lambda: lab.missing(PodDisruptionBudget, "sessions"))
        lab.wait_size("sessions", 1)
        lab.stop()
        return requests(cluster, lab.namespace, ACCOUNT)


@pytest.mark.parametrize("right", RIGHTS, ids=spoken)
def test_a_right_is_used(asked, right):
    assert right in used(asked)


def test_no_right_is_missing(asked):
    assert denied(asked) == []
    assert used(asked) <= {*RIGHTS}
