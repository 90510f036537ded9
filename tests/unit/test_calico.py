"""Calico's settings beside its pools: packets, node addresses, Felix, and the policy for all namespaces."""

from typing import Any

import pytest

from components import settings
from tests.unit.declared import Declared, as_config, declare, stack_file


def declared(**calico: Any) -> Declared:
    sections = stack_file("dev")
    sections["calico"].update(calico)
    return declare(sections)


def network(stack: Declared) -> dict[str, Any]:
    return stack.object("Installation", "default").inputs["spec"]["calicoNetwork"]


def test_what_is_not_set_is_left_to_calico(dev: Declared) -> None:
    assert set(network(dev)) == {"ipPools"}
    assert {resource.kind for resource in dev.objects()}.isdisjoint({"FelixConfiguration", "GlobalNetworkPolicy"})


@pytest.mark.parametrize(
    ("way", "spec"),
    [
        ({"firstFound": True}, {"firstFound": True}),
        ({"kubernetes": "NodeInternalIP"}, {"kubernetes": "NodeInternalIP"}),
        ({"interface": "eth.*"}, {"interface": "eth.*"}),
        ({"skipInterface": "docker.*"}, {"skipInterface": "docker.*"}),
        ({"canReach": "192.0.2.1"}, {"canReach": "192.0.2.1"}),
        ({"cidrs": ["10.0.0.0/8"]}, {"cidrs": ["10.0.0.0/8"]}),
    ],
)
def test_every_way_to_find_a_nodes_address_is_declared(way: dict[str, Any], spec: dict[str, Any]) -> None:
    assert network(declared(nodeAddress=way, mtu=1400))["nodeAddressAutodetectionV4"] == spec


@pytest.mark.parametrize("ways", [{}, {"firstFound": True, "interface": "eth0"}])
def test_node_addresses_are_found_in_exactly_one_way(ways: dict[str, Any]) -> None:
    with pytest.raises(
        settings.SettingsError, match=r"platform:calico\.nodeAddress = .*: allowed is exactly one of first"
    ):
        settings.parse(as_config({**stack_file("dev"), "calico": {"nodeAddress": ways}}))


def test_felix_is_configured_before_the_operator_works_on_it() -> None:
    stack = declared(felix={"logSeverity": "Warning", "wireguard": True, "prometheusMetrics": False})
    felix = stack.object("FelixConfiguration", "default")
    assert felix.inputs["spec"] == {
        "logSeverityScreen": "Warning",
        "wireguardEnabled": True,
        "prometheusMetricsEnabled": False,
    }
    assert felix.urn in stack.object("Installation", "default").depends_on


def test_default_deny_closes_all_but_the_systems_namespaces_and_leaves_dns_open() -> None:
    policy = declared(apiServer=True, defaultDeny={"exemptNamespaces": ["kube-system", "legacy"]})
    spec = policy.object("GlobalNetworkPolicy", "platform-default-deny").inputs["spec"]
    assert spec["namespaceSelector"] == "kubernetes.io/metadata.name not in { 'kube-system', 'legacy' }"
    assert spec["types"] == ["Ingress", "Egress"]
    assert "ingress" not in spec
    assert {(rule["action"], rule["protocol"], *rule["destination"]["ports"]) for rule in spec["egress"]} == {
        ("Allow", "UDP", 53),
        ("Allow", "TCP", 53),
    }


def test_default_deny_needs_calicos_api_server() -> None:
    with pytest.raises(
        settings.SettingsError, match=r"platform:calico\.apiServer = False: allowed is true with defaultDeny"
    ):
        settings.parse(as_config({**stack_file("dev"), "calico": {"defaultDeny": {}}}))
