"""What the program says to operators: in the values of their charts, and by annotations of their custom resources."""

from typing import Any

import pytest

from components.settings import SettingsError, parse
from tests.unit.declared import Declared, Resource, as_config, declare, stack_file

CHART = "kubernetes:helm.sh/v4:Chart"
ENVIRONMENTS = ("dev", "staging", "prod")


@pytest.fixture(scope="module")
def prod() -> Declared:
    return declare(stack_file("prod"), stack_name="prod")


def chart(declared: Declared, name: str) -> Resource:
    (found,) = [resource for resource in declared.of_type(CHART) if resource.name == name]
    return found


def installation(sections: dict[str, Any]) -> dict[str, str]:
    return declare(sections).object("Installation", "default").inputs["metadata"]["annotations"]


def test_the_network_is_awaited_where_its_operator_runs() -> None:
    assert installation(stack_file("prod"))["pulumi.com/waitFor"] == "condition=Ready"
    assert "pulumi.com/waitFor" not in installation(stack_file("dev"))


def test_what_needs_the_network_comes_after_it_is_ready(prod: Declared) -> None:
    network = prod.object("Installation", "default").urn
    for name in ("longhorn", "postgres-operator"):
        assert network in chart(prod, name).depends_on or network in parent_of(prod, chart(prod, name)).depends_on


def parent_of(declared: Declared, child: Resource) -> Resource:
    (found,) = [resource for resource in declared.resources if resource.urn == child.parent]
    return found


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_network_is_deleted_in_its_operators_own_order(environment: str) -> None:
    assert installation(stack_file(environment))["pulumi.com/deletionPropagationPolicy"] == "background"


def test_the_crds_of_calico_come_before_its_operator(prod: Declared) -> None:
    assert chart(prod, "crd.projectcalico.org.v1").urn in chart(prod, "tigera-operator").depends_on


def test_the_chart_of_calico_declares_neither_custom_resources_nor_crds_that_are_ours(prod: Declared) -> None:
    assert chart(prod, "tigera-operator").inputs["values"] == {
        "installation": {"enabled": False},
        "apiServer": {"enabled": False},
        "goldmane": {"enabled": False},
        "whisker": {"enabled": False},
        "manageCRDs": False,
    }


@pytest.mark.parametrize("switch", [{}, {"deletingConfirmation": False}, {"deletingConfirmation": True}])
def test_longhorn_may_be_uninstalled_only_by_an_explicit_switch(switch: dict[str, bool]) -> None:
    sections = stack_file("prod")
    sections["longhorn"] |= switch
    values = chart(declare(sections), "longhorn").inputs["values"]
    assert values["defaultSettings"]["deletingConfirmationFlag"] is any(switch.values())


def test_the_switch_is_refused_where_longhorn_is_not_ours_to_uninstall() -> None:
    sections = stack_file("dev")
    sections["longhorn"]["deletingConfirmation"] = True
    with pytest.raises(SettingsError, match=r"deletingConfirmation = True: allowed is false with operator: existing"):
        parse(as_config(sections))


@pytest.mark.parametrize("protect", ["true", "false"])
def test_volumes_of_the_database_outlive_it_where_data_is_protected(protect: str) -> None:
    values = chart(declare(stack_file("prod") | {"protect": protect}), "postgres-operator").inputs["values"]
    assert values["configKubernetes"]["enable_persistent_volume_claim_deletion"] is (protect == "false")


def test_the_operators_own_image_goes_to_its_chart_in_parts() -> None:
    values = chart(declare(stack_file("dev")), "postgres-operator").inputs["values"]
    assert values["image"] == {"registry": "sandbox.local", "repository": "postgres-operator", "tag": "1.15"}
    assert "image" not in chart(declare(stack_file("prod")), "postgres-operator").inputs["values"]


@pytest.mark.parametrize("key", ["chart", "crdsChart"])
def test_a_misspelt_key_of_a_chart_is_refused_by_name(key: str) -> None:
    sections = stack_file("prod")
    sections["calico"][key] = {"verison": "v3.31.0"}
    with pytest.raises(SettingsError, match=rf"platform:calico\.{key}\.verison"):
        parse(as_config(sections))
