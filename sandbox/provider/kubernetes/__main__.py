"""Runs the stand-in as a plugin: `python -m sandbox.provider.kubernetes ENGINE_ADDRESS`."""

from __future__ import annotations

import sys
from importlib.metadata import version

from sandbox.provider.engine import Engine
from sandbox.provider.kubernetes.servicer import KubernetesProvider
from sandbox.provider.server import serve

if __name__ == "__main__":
    serve(KubernetesProvider(Engine(sys.argv[1]), version("pulumi-kubernetes")))
