"""Runs the stand-in as a plugin: `python -m sandbox.provider.random ENGINE_ADDRESS`."""

from __future__ import annotations

from importlib.metadata import version

from sandbox.provider.random.servicer import RandomProvider
from sandbox.provider.server import serve

if __name__ == "__main__":
    serve(RandomProvider(version("pulumi-random")))
