"""The contracts of all releases, as their program exported them for the stack dev, and how two are compared."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "released"
UNRELEASED = "unreleased"
VERSIONS = sorted(path.stem for path in FOLDER.glob("*.json"))
# Their keys are names that an environment chooses.
BY_NAME = {"websites.urls", "memcached.hosts", "postgres.clusters"}
# Null where an environment goes without that part.
OPTIONAL = {"postgres.poolerHost", "postgres.poolerReplicaHost"}


def contract(version: str) -> dict[str, Any]:
    """Return what one release exported."""
    return json.loads((FOLDER / f"{version}.json").read_text())


def shape(exports: Mapping[str, Any]) -> dict[str, str]:
    """Return the kind of value under each key of a contract."""
    return dict(_walk(exports, ""))


def _walk(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        path = f"{prefix}{key}"
        yield path, type(value).__name__
        if isinstance(value, Mapping) and path not in BY_NAME:
            yield from _walk(value, f"{path}.")


def broken_promises(promised: Mapping[str, Any], version: str, exports: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each key that a release exported and `exports` no longer has, or has as another kind."""
    now = shape(exports)
    return [
        f"components/exports.py exports '{key}' {f'as {now[key]}' if key in now else 'no longer'}; "
        f"release {version} promised it as {kind}, and keys of platform/v1 are only ever added"
        for key, kind in shape(promised).items()
        if now.get(key) != kind and not (key in OPTIONAL and now.get(key) == "NoneType")
    ]
