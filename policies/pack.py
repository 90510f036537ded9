"""Binds the rules to the engine."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyConfigSchema,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from policies import exceptions
from policies.objects import Object, Rule
from policies.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENVIRONMENTS = Path(__file__).parent / "environments"
# Without `--policy-pack-config`, a stack is held to what production is.
_STRICTEST = "prod"


def environment_config(environment: str) -> dict[str, Any]:
    """Return levels and options of an environment, those of prod for one that has no file of its own."""
    file = ENVIRONMENTS / f"{environment}.json"
    return json.loads((file if file.exists() else ENVIRONMENTS / f"{_STRICTEST}.json").read_text())


def options_of(rule: str, environment: str) -> dict[str, Any]:
    """Return the options that an environment gives to a rule."""
    config = environment_config(environment).get(rule, {})
    return {} if isinstance(config, str) else config


class Bound:
    """A rule with the exceptions of today."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._exemptions = exceptions.load()
        self._options = options_of(rule.name, _STRICTEST)

    def report(self, objects: Sequence[Object], config: Mapping[str, Any], report: ReportViolation) -> None:
        """Report what of `objects` breaks the rule and has no exception; `config` goes before prod's options."""
        options = {**self._options, **config}
        today = dt.datetime.now(dt.UTC).date()
        by_urn = {declared.urn: declared for declared in objects}
        for violation in self.rule.check(objects, options):
            declared = by_urn[violation.urn]
            if declared.published:
                continue
            message = exceptions.judge(self.rule.name, violation, declared.environment, self._exemptions, today)
            if message:
                report(message, violation.urn)

    def of_resource(self, args: ResourceValidationArgs, report: ReportViolation) -> None:
        """Judge one resource."""
        if _is_object(args.resource_type, args.props):
            self.report([Object(args.urn, args.props, args.opts.protect)], args.get_config(), report)

    def of_stack(self, args: StackValidationArgs, report: ReportViolation) -> None:
        """Judge the whole stack."""
        found = [_object(each) for each in args.resources if _is_object(each.resource_type, each.props)]
        self.report(found, args.get_config(), report)


def _is_object(token: str, props: Mapping[str, Any]) -> bool:
    # Charts and providers are of the same package, but no objects.
    return token.startswith("kubernetes:") and "kind" in props and "metadata" in props


def _object(resource: PolicyResource) -> Object:
    return Object(resource.urn, resource.props, resource.opts.protect)


def policies() -> list[Policy]:
    """Return the rules as the engine takes them."""
    return [_policy(Bound(rule)) for rule in RULES]


def _policy(bound: Bound) -> Policy:
    rule = bound.rule
    schema = PolicyConfigSchema(dict(rule.options)) if rule.options else None
    if rule.alone:
        return ResourceValidationPolicy(rule.name, rule.description, bound.of_resource, config_schema=schema)
    return StackValidationPolicy(rule.name, rule.description, bound.of_stack, config_schema=schema)


def serve() -> None:
    """Answer the engine until it ends."""
    PolicyPack("platform", policies(), EnforcementLevel.MANDATORY)
