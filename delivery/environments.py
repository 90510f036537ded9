"""What two environments come to differently, once every default is filled in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import yaml

from components import settings, versions
from delivery.changes import ABSENT, differences, is_list, is_map
from delivery.errors import DeliveryError
from delivery.markdown import code
from delivery.secrets import MASK, masked_value

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROJECT: Final = Path(__file__).parents[1]
# How Pulumi writes an encrypted value into a stack file.
_ENCRYPTED: Final = "secure"


def effective(stack: str, folder: Path = _PROJECT) -> dict[str, Any]:
    """Return all settings of a stack file, defaults and the pinned versions that they stand for included.

    Raises:
        DeliveryError: there is no such stack file, or its settings are wrong.

    """
    file = folder / f"Pulumi.{stack}.yaml"
    if not file.exists():
        known = ", ".join(sorted(each.name.split(".")[1] for each in folder.glob("Pulumi.*.yaml")))
        raise DeliveryError(f"There is no {file.name}; allowed are {known}.")
    config = cast("dict[str, Any]", yaml.safe_load(file.read_text())["config"])
    sections = {
        key.removeprefix(f"{settings.PROJECT}:"): _plain(value)
        for key, value in config.items()
        if key.startswith(f"{settings.PROJECT}:")
    }
    texts = {key: json.dumps(value) if not isinstance(value, str) else value for key, value in sections.items()}
    try:
        parsed = settings.parse(texts)
    except settings.SettingsError as error:
        raise DeliveryError(f"{file.name}: {error}") from error
    whole = {name: getattr(parsed, name).model_dump(by_alias=True, mode="json") for name in settings.SECTIONS}
    return cast("dict[str, Any]", masked_value({"protect": parsed.protect, **_with_charts(whole)}))


def as_lines(one: str, other: str, folder: Path = _PROJECT) -> Iterator[str]:
    """Yield what differs as a table in Markdown."""
    found = list(differences(effective(one, folder), effective(other, folder)))
    yield f"## `{one}` and `{other}` differ in {len(found)} settings"
    if found:
        yield f"\n| setting | {one} | {other} |"
        yield "|---|---|---|"
    for change in found:
        yield f"| {code(change.text)} | {_side(change.old)} | {_side(change.new)} |"


def _with_charts(sections: dict[str, Any]) -> dict[str, Any]:
    """Fill the pinned version in where a chart is declared and its version isn't."""
    pinned = {
        ("calico", "chart"): versions.TIGERA_OPERATOR,
        ("calico", "crdsChart"): versions.CALICO_CRDS,
        ("longhorn", "chart"): versions.LONGHORN,
        ("postgres", "chart"): versions.POSTGRES_OPERATOR,
    }
    for (section, chart), release in pinned.items():
        own = sections[section]
        if own["operator"] != "chart":
            del own[chart]
        elif own[chart]["path"] is None:
            own[chart]["version"] = own[chart]["version"] or release.version
    return sections


def _plain(value: Any) -> Any:  # noqa: ANN401 - any YAML value
    """Put a mask in the place of what the file holds encrypted: its key isn't needed to compare the rest."""
    if is_map(value):
        return MASK if list(value) == [_ENCRYPTED] else {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if is_list(value) else value


def _side(value: Any) -> str:  # noqa: ANN401 - any JSON value
    return "—" if value is ABSENT else code(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
