"""Runs the stand-in as a plugin: `python -m sandbox.provider.kubernetes VERSION ENGINE_ADDRESS`."""

from __future__ import annotations

import sys

import sandbox.provider.protocol  # noqa: F401 # pyright: ignore[reportUnusedImport] - first of all
from sandbox.provider.engine import Engine
from sandbox.provider.kubernetes.servicer import KubernetesProvider
from sandbox.provider.server import serve

if __name__ == "__main__":
    serve(KubernetesProvider(version=sys.argv[1], engine=Engine(sys.argv[2])))
