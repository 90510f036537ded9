"""Readiness of Jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.provider.kubernetes.readiness.status import HopelessError, condition, explain

if TYPE_CHECKING:
    from sandbox.provider.kubernetes.api import Api
    from sandbox.provider.values import Properties


def job(live: Properties, _: Api) -> str | None:
    """Wait until: the Job is complete, or suspended and so not meant to run; a failed one stays failed."""
    failed = condition(live, "Failed")
    if failed.get("status") == "True":
        raise HopelessError(explain(failed))
    if live["spec"].get("suspend") or condition(live, "Complete").get("status") == "True":
        return None
    status = live.get("status", {})
    return f"waiting for the Job to complete ({status.get('active', 0)} active, {status.get('failed', 0)} failed)"
