"""What a program can wait for by annotation: a condition of the object, or any of its fields by JSONPath."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from sandbox.provider.errors import ProviderError
from sandbox.provider.values import is_list, is_map

if TYPE_CHECKING:
    from sandbox.provider.values import Json, Properties


class Filter(NamedTuple):
    """Selects the elements of a list whose field has a value: `[?(@.type=="Ready")]`."""

    field: str
    value: str


Step: TypeAlias = str | int | Filter
EVERY: Final = "*"

_STEP: Final = re.compile(
    r"""\.(?P<name>[\w*-]+)
      | \[(?P<index>\d+|\*)\]
      | \[['"](?P<key>[^'"]+)['"]\]
      | \[\?\(@\.(?P<field>[\w-]+)\s*==\s*['"](?P<value>[^'"]*)['"]\)\]""",
    re.VERBOSE,
)
_EXAMPLES: Final = "condition=Ready, condition=Ready=False, jsonpath={.status.phase}=Running, jsonpath={.status.url}"


class Condition(NamedTuple):
    """A field, and the value that it must have; without one it's enough that the field is there."""

    text: str
    steps: tuple[Step, ...]
    wanted: str | None

    def met_by(self, live: Properties) -> bool:
        """Tell whether the object fulfils the condition."""
        found: list[Json] = [live]
        for step in self.steps:
            found = [child for parent in found for child in _children(parent, step)]
        if self.wanted is None:
            return bool(found)
        return any(_text(item).lower() == self.wanted.lower() for item in found)


def parse(text: str) -> Condition:
    """Return the condition that an expression such as `jsonpath={.status.phase}=Running` stands for."""
    method, _, rest = text.partition("=")
    if method == "condition" and rest:
        name, _, status = rest.partition("=")
        return Condition(text, ("status", "conditions", Filter("type", name), "status"), status or "True")
    matched = re.fullmatch(r"\{(?P<path>.*?)\}(?:=(?P<wanted>.*))?", rest)
    if method != "jsonpath" or matched is None:
        raise ProviderError(f"pulumi.com/waitFor: {text!r} isn't understood; examples: {_EXAMPLES}")
    return Condition(text, _steps(matched["path"], text), matched["wanted"])


def _steps(path: str, text: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    position = 0
    while position < len(path):
        matched = _STEP.match(path, position)
        if matched is None:
            raise ProviderError(f"pulumi.com/waitFor: {text!r} isn't understood from {path[position:]!r} on")
        steps.append(_step(matched))
        position = matched.end()
    return tuple(steps)


def _step(matched: re.Match[str]) -> Step:
    if matched["field"] is not None:
        return Filter(matched["field"], matched["value"])
    index = matched["index"]
    return int(index) if index and index != EVERY else (index or matched["name"] or matched["key"])


def _children(parent: Json, step: Step) -> list[Json]:
    if is_list(parent):
        return _elements(parent, step)
    if not is_map(parent):
        return []
    if step == EVERY:
        return list(parent.values())
    return [parent[step]] if isinstance(step, str) and step in parent else []


def _elements(parent: list[Json], step: Step) -> list[Json]:
    if isinstance(step, Filter):
        return [item for item in parent if is_map(item) and _text(item.get(step.field)) == step.value]
    if step == EVERY:
        return parent
    return parent[step : step + 1] if isinstance(step, int) else []


def _text(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
