"""Prints where a tool is, built first if need be: ``python -m sandbox.toolchain actionlint``."""

import sys

from sandbox.progress import Progress
from sandbox.toolchain import ensure

sys.stdout.write(f"{ensure(sys.argv[1:2], Progress(quiet=True)).path(sys.argv[1])}\n")
