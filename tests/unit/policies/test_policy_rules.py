"""Each rule of the pack lets a good object pass, and names what is wrong with a bad one."""

import datetime as dt
from pathlib import Path

import pytest

from policies import exceptions
from policies.exceptions import Exemption, judge
from policies.objects import Object, Rule, Violation
from policies.pack import Bound, environment_config, options_of
from policies.rules import RULES
from tests.unit.declared import Declared
from tests.unit.policies.samples_of_rules import BAD, GOOD, Edit, edited, objects

BY_NAME = {rule.name: rule for rule in RULES}
# Every exception held on this day; that they end is the pack's business, not that of a test run years later.
WRITTEN = dt.date(2026, 11, 21)


def found(rule: Rule, declared: list[Object], environment: str = "prod") -> list[Violation]:
    return list(rule.check(declared, options_of(rule.name, environment)))


@pytest.mark.parametrize("rule", RULES, ids=BY_NAME)
def test_good_objects_pass_a_rule(rule: Rule) -> None:
    assert found(rule, objects(GOOD)) == []


@pytest.mark.parametrize(("rule", "kind", "edit", "message"), BAD)
def test_a_bad_object_breaks_its_rule_and_is_named(rule: str, kind: str, edit: Edit, message: str) -> None:
    violations = [str(violation) for violation in found(BY_NAME[rule], edited(kind, edit))]
    assert any(message in violation for violation in violations), violations


def test_what_holds_state_must_be_protected() -> None:
    (violation,) = found(BY_NAME["protection"], objects(GOOD, protect=False))
    assert violation.subject == "Namespace shop"


def test_every_rule_has_a_bad_case() -> None:
    assert {rule for rule, *_ in BAD} | {"protection"} == set(BY_NAME)


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_an_environments_objects_pass_or_have_an_exception(environment: str, request: pytest.FixtureRequest) -> None:
    unexcused = [
        message
        for rule in RULES
        if environment_config(environment).get(rule.name) != "disabled"
        for violation in found(rule, _objects(request.getfixturevalue(environment)), environment)
        if (message := judge(rule.name, violation, environment, exceptions.load(), WRITTEN))
    ]
    assert unexcused == []


def test_every_exception_is_needed_where_it_says(dev: Declared, staging: Declared, prod: Declared) -> None:
    declared = {"dev": dev, "staging": staging, "prod": prod}
    broken = {
        (rule.name, violation.subject, environment)
        for environment, found_in in declared.items()
        for rule in RULES
        for violation in found(rule, _objects(found_in), environment)
    }
    unneeded = [
        f"{each.rule}: {each.subject} in {environment}"
        for each in exceptions.load()
        for environment in each.environments
        if (each.rule, each.subject, environment) not in broken
    ]
    assert not unneeded, "take out of policies/exceptions.yaml"


def _objects(declared: Declared) -> list[Object]:
    return [Object(resource.urn, resource.inputs, resource.protect) for resource in declared.objects()]


def test_what_a_publishers_chart_makes_is_not_ours_to_judge() -> None:
    def reported(urn: str) -> list[str]:
        messages: list[str] = []
        bound = Bound(BY_NAME["namespace-restricted"])
        bound.report(
            [Object(urn, {**GOOD["Namespace"], "metadata": {"name": "x"}})], {}, lambda m, _: messages.append(m)
        )
        return messages

    chart = "urn:pulumi:prod::platform::kubernetes:helm.sh/v4:Chart$kubernetes:core/v1:Namespace::x"
    assert reported(chart) == []
    assert reported(chart.replace("kubernetes:helm.sh/v4:Chart$", "")) == [
        "Namespace x: its Pod Security level is none; allowed is restricted"
    ]


def test_an_exception_ends_on_its_day_and_says_so() -> None:
    violation = Violation("urn", "Namespace postgres", "it is open")
    exemption = Exemption("r", "Namespace postgres", ("prod",), "until the move", dt.date(2027, 3, 1))
    before, after = dt.date(2027, 2, 28), dt.date(2027, 3, 1)
    assert judge("r", violation, "prod", [exemption], before) is None
    ended = "Namespace postgres: it is open; its exception ended on 2027-03-01 (until the move)"
    assert judge("r", violation, "prod", [exemption], after) == ended
    for rule, environment in (("other", "prod"), ("r", "staging")):
        assert judge(rule, violation, environment, [exemption], before) == "Namespace postgres: it is open"


@pytest.mark.parametrize("broken", ["expires: never", "reason: ' '", "wanted: true"])
def test_an_exception_without_reason_or_day_is_refused(broken: str, tmp_path: Path) -> None:
    entry = {"rule": "r", "subject": "s", "environments": "[prod]", "reason": "because", "expires": "2027-01-01"}
    key, _, value = broken.partition(": ")
    file = tmp_path / "exceptions.yaml"
    lines = [f"  {name}: {text}" for name, text in {**entry, key: value}.items()]
    file.write_text("-\n" + "\n".join(lines) + "\n")
    with pytest.raises(ValueError, match="an exception has the keys"):
        exceptions.load(file)
