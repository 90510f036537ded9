"""The real Tigera operator on the program's Installation, in a namespace without routes, on kwok's nodes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.integration.stack.checkout import Checkout

CALICO_GROUPS = (".operator.tigera.io", ".crd.projectcalico.org")
MADE_BY_OPERATORS = re.compile("calico|postgres|acid|zalando")
POOL = "default-ipv4-ippool"


def pools(project: Checkout) -> dict[str, dict[str, Any]]:
    """Return the spec of each pool that the operator made."""
    listed = json.loads(project.kubectl("get", "ippools.crd.projectcalico.org", "-o", "json"))
    return {item["metadata"]["name"]: item["spec"] for item in listed["items"]}


def conditions(item: dict[str, Any]) -> dict[str, str]:
    return {condition["type"]: condition["status"] for condition in item["status"]["conditions"]}


def pool_status(project: Checkout) -> dict[str, str]:
    return conditions(project.get("tigerastatus", "ippools"))


def test_an_update_ends_once_the_network_is_ready_with_the_pools_as_declared(rolled_out: Checkout) -> None:
    # Nothing is waited for here: `up` came back, so it is Ready.
    assert conditions(rolled_out.get("installation", "default"))["Ready"] == "True"
    assert conditions(rolled_out.get("tigerastatus", "calico"))["Available"] == "True"
    assert set(pools(rolled_out)) == {POOL}
    spec = pools(rolled_out)[POOL]
    declared = {"cidr": "172.31.0.0/16", "blockSize": 26, "ipipMode": "Always", "natOutgoing": True}
    assert {key: spec.get(key) for key in declared} == declared
    agents = rolled_out.get("daemonset", "calico-node", "calico-system")["status"]
    assert agents["numberReady"] == agents["desiredNumberScheduled"] == 3


def test_a_second_update_neither_changes_nor_conflicts(rolled_out: Checkout) -> None:
    assert rolled_out.preview("--refresh") == []
    generation = rolled_out.get("installation", "default")["metadata"]["generation"]
    assert "error" not in rolled_out.up("--refresh")
    assert rolled_out.get("installation", "default")["metadata"]["generation"] == generation


def test_drift_is_shown_and_repaired_before_the_operator_acts_on_it(rolled_out: Checkout) -> None:
    patch = [{"op": "replace", "path": "/spec/calicoNetwork/ipPools/0/natOutgoing", "value": "Disabled"}]
    rolled_out.kubectl("patch", "installation", "default", "--type=json", f"--patch={json.dumps(patch)}")
    # Without Calico's own API server, whose pods would have to run, the operator makes pools but changes none.
    rolled_out.eventually(lambda: pool_status(rolled_out)["Degraded"] == "True", "the operator sees the drift")
    (step,) = rolled_out.preview("--refresh")
    assert (step.op, step.name) == ("update", "installation")
    assert "spec.calicoNetwork.ipPools[0].natOutgoing" in step.fields
    rolled_out.up("--refresh")
    rolled_out.eventually(lambda: pool_status(rolled_out)["Available"] == "True", "the operator sees the repair")
    assert pools(rolled_out)[POOL]["natOutgoing"] is True


def test_a_change_that_the_network_could_not_survive_is_refused_at_preview(rolled_out: Checkout) -> None:
    before = rolled_out.get("installation", "default")["spec"]

    def change(sections: dict[str, Any], **fields: Any) -> None:
        sections["calico"]["ipPools"][0] |= fields

    rolled_out.edit(lambda sections: change(sections, cidr="172.30.0.0/16", blockSize=24))
    refused = rolled_out.pulumi("up", "--yes", "--skip-preview", check=False)
    assert refused.returncode != 0
    assert "(pool 'default-ipv4-ippool') 172.31.0.0/16 -> 172.30.0.0/16" in refused.stdout + refused.stderr
    assert "(pool 'default-ipv4-ippool') 26 -> 24" in refused.stdout + refused.stderr
    # The CRD would take it, and the operator only call itself Degraded.
    rolled_out.edit(lambda sections: change(sections, cidr="172.31.0.0/16", blockSize=33))
    refused = rolled_out.pulumi("preview", check=False)
    assert "platform:calico.ipPools[0].blockSize = 33" in refused.stdout + refused.stderr
    rolled_out.edit(lambda sections: change(sections, blockSize=26))
    assert rolled_out.get("installation", "default")["spec"] == before


def test_teardown_deletes_custom_resources_while_their_operators_live_and_leaves_nothing(rolled_out: Checkout) -> None:
    deleted = [
        line
        for line in rolled_out.pulumi("destroy", "--yes", "--skip-preview").stdout.splitlines()
        if " deleted " in line
    ]

    def position(*words: str) -> int:
        (found,) = [number for number, line in enumerate(deleted) if all(word in line for word in words)]
        return found

    chart = [number for number, line in enumerate(deleted) if "postgres-operator:" in line]
    assert len(chart) > 10
    assert position("acid.zalan.do/v1:postgresql ", " cluster ") < min(chart)
    assert position("operator.tigera.io/v1:Installation") >= 0
    assert not rolled_out.kubectl("get", "installations", "-o", "name")
    gone = "the operator's namespace and roles go with the Installation"
    rolled_out.eventually(lambda: foreign(rolled_out) == [], gone, 90)
    # Pools and other settings stay for a next Installation. They go with their CRDs, and nothing holds those.
    crds = [name for name in rolled_out.kubectl("get", "crds", "-o", "name").split() if name.endswith(CALICO_GROUPS)]
    rolled_out.kubectl("delete", *crds, "--timeout=60s")


def foreign(project: Checkout) -> list[str]:
    """Return what operators or charts have left."""
    kinds = "clusterroles,clusterrolebindings,priorityclasses,namespaces,serviceaccounts,deployments,daemonsets"
    names = project.kubectl("get", kinds, "--all-namespaces", "--no-headers").split()
    return [name for name in names if MADE_BY_OPERATORS.search(name)]
