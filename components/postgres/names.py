"""Names that clusters of one namespace must not share, since their objects are named after them."""

import re
from collections.abc import Iterator, Mapping

from components.problems import Problem

# What stands after the cluster's name in theirs (operator 1.15.1: Services, poolers, the second disruption budget and
# Patroni's own objects).
_SUFFIXES = ("repl", "config", "leader", "failover", "sync", "pooler", "pooler-repl", "critical-op")
# `postgres-<name>-client`, the label of its clients, is a label's name, of 63 characters at most.
_LONGEST = 63 - len("postgres--client")
# As Services must be named (RFC 1035).
_NAME = re.compile(rf"[a-z].{{0,{_LONGEST - 1}}}")


def name_problem(name: str) -> Iterator[Problem]:
    """Yield that a further cluster can't have this name, which is a DNS label."""
    if not _NAME.fullmatch(name):
        yield Problem("", name, f"a name of up to {_LONGEST} characters that starts with a letter")


def collisions(names: Mapping[str, str]) -> Iterator[Problem]:
    """Yield the keys whose cluster would share objects with that of an earlier key."""
    earlier: dict[str, str] = {}
    for key, name in names.items():
        mine = _names_of_objects(name)
        if taken := next((taken for taken in earlier if taken in mine), None):
            yield Problem(
                key, name, f"another name: '{taken}' is among the names of cluster '{earlier[taken]}' already"
            )
        earlier |= dict.fromkeys(mine, name)


def _names_of_objects(name: str) -> list[str]:
    return [name, *(f"{name}-{suffix}" for suffix in _SUFFIXES)]
