"""Readiness of volume claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.provider.kubernetes.api import ApiError
from sandbox.provider.kubernetes.readiness.status import HopelessError

if TYPE_CHECKING:
    from sandbox.provider.kubernetes.api import Api
    from sandbox.provider.values import Properties

_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"


def claim(live: Properties, api: Api) -> str | None:
    """Wait until: the claim is bound, or its class binds it only once a pod (perhaps of this update) uses it."""
    phase = live.get("status", {}).get("phase")
    if phase == "Lost":
        raise HopelessError("the claim has lost its volume")
    name = live["spec"].get("storageClassName")
    if phase == "Bound" or (name and _waits_for_consumer(name, api)):
        return None
    return f"waiting for a volume of class {name!r}, the claim is {phase}"


def _waits_for_consumer(name: str, api: Api) -> bool:
    try:
        return api.get(f"{_CLASSES}/{name}").get("volumeBindingMode") == "WaitForFirstConsumer"
    except ApiError as error:
        if error.code == 404:  # noqa: PLR2004 - a claim may come before its class
            return False
        raise
