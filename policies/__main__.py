"""The pack's entry point, which the engine starts."""

import sys
from pathlib import Path

# Python puts this folder first; the package is its parent's.
sys.path[0] = str(Path(__file__).resolve().parents[1])

from policies.pack import serve  # noqa: E402

serve()
