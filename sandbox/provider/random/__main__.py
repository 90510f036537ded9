"""Runs the stand-in as a plugin: `python -m sandbox.provider.random VERSION ENGINE_ADDRESS`."""

from __future__ import annotations

import sys

import sandbox.provider.protocol  # noqa: F401 # pyright: ignore[reportUnusedImport] - first of all
from sandbox.provider.random.servicer import RandomProvider
from sandbox.provider.server import serve

if __name__ == "__main__":
    serve(RandomProvider(version=sys.argv[1]))
