"""The evaluation of NetworkPolicies, on which the reachability matrix rests: each rule of their definition."""

from typing import Any

import pytest

from tests.unit.reachability import Endpoint, allows

WEB = Endpoint("web", "shop", {"app": "web"})
DATABASE = Endpoint("database", "data", {"app": "database"}, {"sql": 5432})
STRANGER = Endpoint("stranger", "elsewhere")
INTERNET = Endpoint("internet")


def policy(namespace: str, *types: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace}, "spec": {"podSelector": {}, "policyTypes": [*types], **spec}}


def ingress(*peers: dict[str, Any], ports: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    rule: dict[str, Any] = {"from": [*peers]} if peers else {}
    return policy("data", "Ingress", ingress=[{**rule, **({"ports": ports} if ports else {})}])


def test_without_a_policy_everybody_may_come():
    assert allows([], STRANGER, DATABASE, 5432)
    assert allows([], INTERNET, DATABASE, 5432)


def test_a_policy_without_rules_lets_nobody_in():
    assert not allows([policy("data", "Ingress")], WEB, DATABASE, 5432)


def test_a_policy_binds_only_its_own_namespace_and_the_pods_that_it_selects():
    assert allows([policy("shop", "Ingress")], WEB, DATABASE, 5432)
    assert allows([policy("data", "Ingress", podSelector={"matchLabels": {"app": "cache"}})], WEB, DATABASE, 5432)


def test_selectors_in_one_peer_must_both_match_and_two_peers_are_alternatives():
    shop = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}
    web = {"podSelector": {"matchLabels": {"app": "web"}}}
    other = Endpoint("other", "shop", {"app": "other"})
    assert allows([ingress({**shop, **web})], WEB, DATABASE, 5432)
    assert not allows([ingress({**shop, **web})], other, DATABASE, 5432)
    assert allows([ingress(shop, web)], other, DATABASE, 5432)


def test_a_pod_selector_alone_means_the_policys_own_namespace():
    web = {"podSelector": {"matchLabels": {"app": "web"}}}
    neighbour = Endpoint("neighbour", "data", {"app": "web"})
    assert not allows([ingress(web)], WEB, DATABASE, 5432)
    assert allows([ingress(web)], neighbour, DATABASE, 5432)


def test_policies_add_up():
    closed, opened = policy("data", "Ingress"), ingress(ports=[{"protocol": "TCP", "port": 5432}])
    assert allows([closed, opened], WEB, DATABASE, 5432)
    assert not allows([closed, opened], WEB, DATABASE, 8008)


def test_both_ends_must_allow():
    shut = policy("shop", "Egress")
    assert not allows([shut], WEB, DATABASE, 5432)
    out = policy("shop", "Egress", egress=[{"to": [{"namespaceSelector": {}}], "ports": [{"port": 5432}]}])
    assert allows([shut, out], WEB, DATABASE, 5432)
    assert not allows([shut, out, policy("data", "Ingress")], WEB, DATABASE, 5432)


@pytest.mark.parametrize(
    ("port", "asked", "answer"),
    [
        ({"port": 5432}, 5432, True),
        ({"port": "sql"}, 5432, True),
        ({"port": "http"}, 5432, False),
        ({"port": 5000, "endPort": 6000}, 5432, True),
        ({"port": 5000, "endPort": 5400}, 5432, False),
        ({"port": 5432, "protocol": "UDP"}, 5432, False),
        ({"protocol": "TCP"}, 1, True),
    ],
)
def test_ports_match_by_number_name_range_and_protocol(port: dict[str, Any], asked: int, answer: bool):  # noqa: FBT001
    assert allows([ingress(ports=[port])], WEB, DATABASE, asked) is answer


def test_a_block_of_addresses_means_the_outside_and_a_selector_never_does():
    anywhere = {"ipBlock": {"cidr": "0.0.0.0/0"}}
    assert allows([ingress(anywhere)], INTERNET, DATABASE, 5432)
    assert not allows([ingress({"namespaceSelector": {}})], INTERNET, DATABASE, 5432)
    out = policy("shop", "Egress", egress=[{"to": [anywhere]}])
    assert allows([out], WEB, INTERNET, 443)
    assert not allows([out], WEB, DATABASE, 5432)


def test_what_the_evaluation_does_not_know_is_refused_not_guessed():
    with pytest.raises(AssertionError, match="matchFields"):
        allows([ingress({"podSelector": {"matchFields": {}}})], Endpoint("a", "data"), DATABASE, 5432)
