"""The table of consequences: it covers what the stack declares, and knows nothing that it doesn't know."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from delivery.changes import ABSENT, Change
from delivery.consequences import Consequence, judge
from delivery.consequences.table import KINDS, METADATA
from delivery.preview import Step, kind_of, read
from tests.unit.declared import Declared
from tests.unit.delivery.previews import an_object, preview, step

# Left unknown on purpose, or never an update: the API server or the settings refuse the edit, or it is a replacement.
_UNJUDGED = re.compile(
    r"acid.zalan.do/postgresql spec.(teamId|volume.storageClass|postgresql.parameters)"
    r"|apiextensions.k8s.io/CustomResourceDefinition spec.(group|scope|names.(kind|listKind|plural|singular))"
    r"|apiextensions.k8s.io/CustomResourceDefinition spec.versions\[\w+\].(name|served|storage|schema.*)"
    r"|apps/\w+ spec.(selector.*|podManagementPolicy|serviceName|volumeClaimTemplates.*)"
    r"|core/PersistentVolumeClaim spec.(storageClassName|accessModes)"
    r"|core/Service spec.clusterIP"
    r"|longhorn.io/RecurringJob spec.(name|task)"
    r"|operator.tigera.io/APIServer spec"
    r"|operator.tigera.io/Installation spec.variant"
    r"|operator.tigera.io/Installation spec.calicoNetwork.ipPools\[[\w-]+\]"
    r".(name|cidr|blockSize|allowedUses|disableBGPExport)"
    r"|pulumi/kubernetes (clusterIdentifier|context|enableServerSideApply)"
    r"|pulumi/random "
    r"|random/RandomPassword .*"
    r"|rbac.authorization.k8s.io/RoleBinding roleRef.*"
    r"|scheduling.k8s.io/PriorityClass value"
    r"|storage.k8s.io/StorageClass (parameters.*|provisioner|reclaimPolicy|volumeBindingMode)"
)


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_every_field_that_the_stack_declares_has_a_row(name: str, request: pytest.FixtureRequest) -> None:
    declared: Declared = request.getfixturevalue(name)
    unknown = {text for text, verdict in _edited_everywhere(declared) if verdict is Consequence.UNKNOWN}
    assert {text for text in unknown if not _UNJUDGED.fullmatch(text)} == set()


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_every_kind_that_the_stack_declares_may_be_created_and_deleted(
    name: str, request: pytest.FixtureRequest
) -> None:
    declared: Declared = request.getfixturevalue(name)
    kinds = {kind_of({"inputs": each.inputs, "type": each.type}) for each in declared.resources if each.custom}
    for kind in kinds:
        assert {"+", "-", "±"} <= {rule.subject for rule in KINDS[kind].rules}, kind


def _edited_everywhere(declared: Declared) -> Iterator[tuple[str, Consequence]]:
    """Yield the judgment of an edit of every single field, up and down for numbers and quantities."""
    for each in declared.resources:
        if not each.custom:
            continue
        kind = kind_of({"inputs": each.inputs, "type": each.type})
        for leaf in Change((), ABSENT, dict(each.inputs)).leaves():
            if leaf.path in {("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")}:
                continue
            for value in _others(leaf.new):
                change = Change(leaf.path, leaf.new, value)
                made = Step(
                    each.urn,
                    each.type,
                    "update",
                    kind,
                    each.inputs,
                    each.inputs,
                    (change,),
                    "",
                    (),
                    protected=False,
                    retained=False,
                )
                yield f"{kind} {change.text}", judge(made).consequence


def _others(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1]
    if isinstance(value, str) and (number := re.match(r"\d+", value)):
        return [value.replace(number[0], str(int(number[0]) + 1), 1)]
    return ["other"]


def test_every_row_has_a_reason_and_a_source() -> None:
    rules = [*METADATA, *(rule for kind in KINDS.values() for rule in kind.rules)]
    assert [rule for rule in rules if not rule.reason.endswith(".") or not rule.source.version] == []


def test_every_row_can_be_reached() -> None:
    """A row below one that fits without a condition would never count."""
    for name, kind in KINDS.items():
        seen: set[str] = set()
        for rule in kind.rules:
            assert rule.subject not in seen, f"{name}: {rule.subject} ({rule.reason}) is hidden by an earlier row"
            if rule.when is None:
                seen.add(rule.subject)


def judged(kind: str, old: Any, new: Any, op: str = "update", **more: Any) -> tuple[Consequence, bool]:
    (read_step,) = read(preview(step(op, an_object(kind, old), an_object(kind, new), **more))).steps
    verdict = judge(read_step)
    return verdict.consequence, verdict.holds_state


def test_an_unknown_kind_is_unknown_and_may_hold_anything() -> None:
    for op in ("create", "update", "delete", "replace"):
        assert judged("example.com/v1/Thing", {"a": 1}, {"a": 2}, op) == (Consequence.UNKNOWN, True)


def test_an_unknown_field_is_unknown_beside_one_that_is_harmless() -> None:
    old, new = {"replicas": 2, "novelty": 1}, {"replicas": 3, "novelty": 2}
    assert judged("apps/v1/StatefulSet", old, new) == (Consequence.UNKNOWN, True)


def test_a_kind_of_the_same_name_in_another_group_is_unknown() -> None:
    assert judged("example.com/v1/Deployment", {"replicas": 1}, {"replicas": 2})[0] is Consequence.UNKNOWN


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"replicas": 2}, {"replicas": 3}, Consequence.NONE),
        ({"replicas": 3}, {"replicas": 2}, Consequence.ROLLING),
        ({"replicas": 3}, {"replicas": 0}, Consequence.DOWNTIME),
        ({"replicas": 2, "template": {"a": 1}}, {"replicas": 2, "template": {"a": 2}}, Consequence.ROLLING),
        ({"replicas": 1, "template": {"a": 1}}, {"replicas": 1, "template": {"a": 2}}, Consequence.DOWNTIME),
        ({"replicas": 0, "template": {"a": 1}}, {"replicas": 0, "template": {"a": 2}}, Consequence.NONE),
        ({"template": {"a": 1}}, {"template": {}}, Consequence.DOWNTIME),
    ],
)
def test_a_stateful_set_is_judged_by_its_number_of_pods(old: Any, new: Any, expected: Consequence) -> None:
    assert judged("apps/v1/StatefulSet", old, new)[0] is expected


_SHOP: Any = {"podSelector": {"matchLabels": {"app": "shop"}}}
_CART: Any = {"podSelector": {"matchLabels": {"app": "cart"}}}
_FROM_SHOP: Any = {"from": [_SHOP], "ports": [{"port": 1}]}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, {"ingress": [_FROM_SHOP]}, Consequence.NONE),
        ({"ingress": []}, {"ingress": [_FROM_SHOP]}, Consequence.NONE),
        ({"ingress": [_FROM_SHOP]}, {"ingress": [_FROM_SHOP, {"from": [_CART]}]}, Consequence.NONE),
        ({"ingress": [{"from": [_SHOP]}]}, {"ingress": [{"from": [_SHOP, _CART]}]}, Consequence.NONE),
        ({"egress": [{"ports": [{"port": 1}]}]}, {"egress": [{"ports": [{"port": 1}, {"port": 2}]}]}, Consequence.NONE),
        ({"ingress": [{"from": []}]}, {"ingress": [{"from": [_SHOP]}]}, Consequence.DOWNTIME),
        ({"ingress": [{"from": [_SHOP]}]}, {"ingress": [_FROM_SHOP]}, Consequence.DOWNTIME),
        (
            {"ingress": [{"from": [_SHOP]}]},
            {"ingress": [{"from": [{**_SHOP, "namespaceSelector": {"matchLabels": {"team": "a"}}}]}]},
            Consequence.DOWNTIME,
        ),
        (
            {"egress": [{"to": [{"ipBlock": {"cidr": "192.0.2.0/24", "except": ["192.0.2.1/32"]}}]}]},
            {"egress": [{"to": [{"ipBlock": {"cidr": "192.0.2.0/24", "except": ["192.0.2.1/32", "192.0.2.2/32"]}}]}]},
            Consequence.DOWNTIME,
        ),
        ({"ingress": [_FROM_SHOP]}, {"ingress": []}, Consequence.DOWNTIME),
    ],
)
def test_a_network_policy_that_allows_more_refuses_nobody(old: Any, new: Any, expected: Consequence) -> None:
    assert judged("networking.k8s.io/v1/NetworkPolicy", old, new)[0] is expected


def test_what_configures_the_database_operator_is_known_and_holds_nothing() -> None:
    kind = "acid.zalan.do/v1/OperatorConfiguration"
    for op in ("create", "delete", "replace"):
        assert judged(kind, {}, {}, op) == (Consequence.NONE, False)
    old, new = (
        an_object(kind, configuration={"kubernetes": {"enable_pod_antiaffinity": apart}}) for apart in (False, True)
    )
    made = preview(step("update", old, new))
    assert judge(read(made).steps[0]).consequence is Consequence.ROLLING


@pytest.mark.parametrize(("policy", "expected"), [("Delete", Consequence.DATA_LOSS), ("Retain", Consequence.ROLLING)])
def test_a_scale_down_that_deletes_claims_is_a_loss(policy: str, expected: Consequence) -> None:
    retention = {"persistentVolumeClaimRetentionPolicy": {"whenScaled": policy}}
    assert judged("apps/v1/StatefulSet", {"replicas": 3, **retention}, {"replicas": 2, **retention})[0] is expected


@pytest.mark.parametrize(
    ("policy", "expected"), [("Delete", Consequence.DATA_LOSS), ("Retain", Consequence.REPLACEMENT)]
)
def test_a_replaced_stateful_set_keeps_its_data_only_if_its_claims_stay(policy: str, expected: Consequence) -> None:
    spec = {"persistentVolumeClaimRetentionPolicy": {"whenDeleted": policy}}
    assert judged("apps/v1/StatefulSet", spec, {**spec, "serviceName": "b"}, "replace") == (expected, True)


def test_what_is_only_forgotten_stays() -> None:
    assert judged("v1/PersistentVolumeClaim", {}, None, "delete", retainOnDelete=True)[0] is Consequence.NONE


def test_a_deployment_with_recreate_is_down_between_its_pods() -> None:
    def spec(image: str, strategy: dict[str, Any]) -> dict[str, Any]:
        return {"replicas": 1, "strategy": strategy, "template": {"image": image}}

    def of(strategy: dict[str, Any]) -> Consequence:
        return judged("apps/v1/Deployment", spec("a", strategy), spec("b", strategy))[0]

    assert of({"type": "Recreate"}) is Consequence.DOWNTIME
    assert of({"type": "RollingUpdate"}) is Consequence.ROLLING
    assert of({"rollingUpdate": {"maxUnavailable": 1}}) is Consequence.DOWNTIME
    assert of({"rollingUpdate": {"maxUnavailable": 0}}) is Consequence.ROLLING


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ("shared_buffers", Consequence.ROLLING),
        ("work_mem", Consequence.NONE),
        ("pg_partman_bgw.interval", Consequence.UNKNOWN),
    ],
)
def test_server_parameters_restart_reload_or_are_unknown(parameter: str, expected: Consequence) -> None:
    old, new = ({"postgresql": {"parameters": {parameter: value}}} for value in ("1", "2"))
    assert judged("acid.zalan.do/v1/postgresql", old, new)[0] is expected


def test_a_schema_that_loses_a_property_prunes_data_and_one_that_gains_one_does_not() -> None:
    def crd(**properties: Any) -> dict[str, Any]:
        return {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": {"properties": properties}}}]}

    kind = "apiextensions.k8s.io/v1/CustomResourceDefinition"
    text, limited = {"type": "string"}, {"type": "string", "maxLength": 3}
    assert judged(kind, crd(a=text, b=text), crd(a=text))[0] is Consequence.DATA_LOSS
    assert judged(kind, crd(a=text), crd(a=text, b=text))[0] is Consequence.NONE
    assert judged(kind, crd(a=limited), crd(a=text))[0] is Consequence.NONE
    assert judged(kind, crd(a=text), crd(a={"type": "integer"}))[0] is Consequence.UNKNOWN
