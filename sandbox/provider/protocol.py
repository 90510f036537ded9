"""Makes the messages of the plugin protocol importable without the SDK that ships them.

Importing `pulumi.runtime.proto` would run the packages above it, which takes a tenth of a second at every start of a
plugin and brings nothing that a plugin needs. So those two packages are put in place unexecuted, first of all.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType


def _place(name: str) -> None:
    specification = importlib.util.find_spec(name)
    if specification is None or name in sys.modules:
        return
    package = ModuleType(name)
    package.__path__ = list(specification.submodule_search_locations or ())
    sys.modules[name] = package


for _name in ("pulumi", "pulumi.runtime"):
    _place(_name)
