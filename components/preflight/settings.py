"""Settings of preflight: which checks a stack goes without, and why."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from components.fields import Model, allowed

CheckName = Literal[
    "reachable", "owner", "version", "nodes", "addresses", "default-class", "crds", "rights",
    "pools", "classes", "volumes", "database", "removals",
]  # fmt: skip

Reason = Annotated[
    str,
    AfterValidator(allowed("a reason, for those who read it later", str.strip)),
    WithJsonSchema({"type": "string", "minLength": 1}),
]
"""Why a check is left out."""


class PreflightSettings(Model):
    """What preflight leaves out."""

    skip: dict[CheckName, Reason] = Field(default_factory=dict)
    """Checks that are left out, each with the reason. Every rollout shows them."""
