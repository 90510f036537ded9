"""Waits until a new cluster can be used."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lightkube import Client, KubeConfig
from lightkube.resources.apiextensions_v1 import CustomResourceDefinition
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Node

from sandbox.errors import SandboxError

if TYPE_CHECKING:
    from pathlib import Path

_SECONDS = 60


def await_ready(kubeconfig: Path, nodes: int) -> None:
    """Wait for every CRD, for `nodes` nodes and for every Deployment; raise SandboxError after a minute.

    `kubectl wait` watches them one by one, which took five times as long.
    """
    deadline = time.monotonic() + _SECONDS
    with Client(KubeConfig.from_file(kubeconfig)) as client:
        while missing := _not_ready(client, nodes):
            if time.monotonic() > deadline:
                raise SandboxError(f"Not ready after {_SECONDS} s: {', '.join(missing)}.")
            time.sleep(0.1)


def _not_ready(client: Client, nodes: int) -> list[str]:
    registered = len(list(client.list(Node)))
    return [
        *([f"{nodes - registered} nodes"] if registered < nodes else []),
        *_without(client, CustomResourceDefinition, "Established"),
        *_without(client, Node, "Ready"),
        *_without(client, Deployment, "Available"),
    ]


def _without(client: Client, kind: type[CustomResourceDefinition | Node | Deployment], condition: str) -> list[str]:
    """Return the names of the objects whose condition isn't True, in all namespaces."""
    names: list[str] = []
    for item in client.list(kind, namespace="*") if kind is Deployment else client.list(kind):
        conditions = (item.status.conditions if item.status else None) or []
        if not any(each.type == condition and each.status == "True" for each in conditions):
            names.append(item.metadata.name if item.metadata and item.metadata.name else "?")
    return names
