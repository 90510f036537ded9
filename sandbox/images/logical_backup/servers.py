"""Finds the server that is dumped: a replica if there is one, on this node if possible, as the published image does."""

from __future__ import annotations

import json
import os
import socket
import ssl
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from sandbox.images.logical_backup.contract import Contract

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_ROLE_LABEL = "spilo-role"
_TIMEOUT_SECONDS = 30


def address(contract: Contract) -> str:
    """Return the address of the server to be dumped.

    Raises `LookupError` where no pod of the cluster has one.
    """
    (own,) = _pods(contract.namespace, fieldSelector=f"metadata.name={socket.gethostname()}")
    members = _pods(contract.namespace, labelSelector=f"{contract.cluster_label}={contract.cluster},{_ROLE_LABEL}")
    if found := best(members, own["spec"]["nodeName"]):
        return found
    raise LookupError(f"no pod of {contract.cluster} in the namespace {contract.namespace} is a replica or the primary")


def best(members: list[dict[str, Any]], node: str) -> str:
    """Return the address of the member that is disturbed least, empty where there is none."""
    reachable = [member for member in members if member["status"].get("podIP")]

    def rank(member: dict[str, Any]) -> tuple[bool, bool]:
        replica = member["metadata"]["labels"][_ROLE_LABEL] == "replica"
        return not replica, member["spec"]["nodeName"] != node

    return min(reachable, key=rank)["status"]["podIP"] if reachable else ""


def _pods(namespace: str, **query: str) -> list[dict[str, Any]]:
    host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
    request = urllib.request.Request(
        f"https://{host}:{port}/api/v1/namespaces/{namespace}/pods?{urlencode(query)}",
        headers={"Authorization": f"Bearer {(_ACCOUNT / 'token').read_text()}"},
    )
    authority = ssl.create_default_context(cafile=str(_ACCOUNT / "ca.crt"))
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS, context=authority) as answer:  # noqa: S310 - the same
        return json.load(answer)["items"]
