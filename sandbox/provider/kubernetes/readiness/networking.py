"""Readiness of Services."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.provider.kubernetes.api import Api
    from sandbox.provider.values import Properties


def service(live: Properties, api: Api) -> str | None:
    """Wait until: a Service with a selector has a ready endpoint, a load balancer has its address.

    Headless Services come before the pods that they name, and external names lead elsewhere: no wait.
    """
    spec, metadata = live["spec"], live["metadata"]
    if spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None":
        return None
    if spec.get("type") == "LoadBalancer" and not live.get("status", {}).get("loadBalancer", {}).get("ingress"):
        return "waiting for the load balancer's address"
    if not spec.get("selector") or _has_endpoint(metadata["namespace"], metadata["name"], api):
        return None
    return "waiting for a ready pod that the selector matches"


def _has_endpoint(namespace: str, name: str, api: Api) -> bool:
    slices = api.get(
        f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices",
        labelSelector=f"kubernetes.io/service-name={name}",
    )
    endpoints: list[Properties] = [endpoint for item in slices["items"] for endpoint in item["endpoints"] or ()]
    # A missing `ready` means unknown, which the API wants read as ready.
    return any(endpoint.get("conditions", {}).get("ready") is not False for endpoint in endpoints)
