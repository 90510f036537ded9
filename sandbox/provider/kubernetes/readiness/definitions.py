"""Readiness of CustomResourceDefinitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.provider.kubernetes.readiness.status import HopelessError, condition, explain

if TYPE_CHECKING:
    from sandbox.provider.kubernetes.api import Api
    from sandbox.provider.values import Properties


def definition(live: Properties, _: Api) -> str | None:
    """Wait until: the API server serves the new kind; one whose names are taken never will be."""
    accepted = condition(live, "NamesAccepted")
    if accepted.get("status") == "False":
        raise HopelessError(explain(accepted))
    return None if condition(live, "Established").get("status") == "True" else "waiting to be established"
