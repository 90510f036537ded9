"""The documentation names only what exists: files, anchors, make targets and settings with their defaults."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components.settings import SECTIONS as MODELS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SCHEMA = json.loads((ROOT / "schema" / "stack.schema.json").read_text())
# Its default is said in words: a list of one pool, whose fields have rows of their own.
IN_WORDS = ("calico", "ipPools")

FENCED = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
# In backticks, or as a line of a code block; `make sense` in a sentence is neither.
MAKE = re.compile(r"(?:`|\"\$\(|^ *(?:\$ )?)make((?: -s| [A-Z]+=\S+)*(?: [a-z][a-z-]*)+)", re.MULTILINE)
KEY = re.compile(r"platform:([a-z]\w*)(?:\.(\w[\w.\[\]]*\w\]?))?")
ROW = re.compile(r"^\| `([^`]+)` \| .*? \| (`(?P<default>.*?)`|required|none|[^|]*) \|.*\|$", re.MULTILINE)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema that a reference, or the part of a union that isn't null, stands for."""
    for part in schema.get("anyOf", []):
        if part.get("type") != "null":
            return {**schema, **resolved(part)}
    if "$ref" in schema:
        return SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return schema


def keys(schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield every key below a section with its schema and whether it is required."""
    for key, value in schema.get("properties", {}).items():
        inner = resolved(value)
        yield f"{prefix}{key}", value, key in schema.get("required", [])
        yield from keys(inner, f"{prefix}{key}.")
        if inner.get("type") == "array":
            yield from keys(resolved(inner["items"]), f"{prefix}{key}[].")
        elements = inner.get("additionalProperties") or next(iter(inner.get("patternProperties", {}).values()), None)
        if isinstance(elements, dict):
            yield from keys(resolved(elements), f"{prefix}{key}.<name>.")


SECTIONS = {
    section.removeprefix("platform:"): resolved(schema)
    for section, schema in SCHEMA["properties"]["config"]["properties"].items()
}
KNOWN = {section: {key: (schema, required) for key, schema, required in keys(s)} for section, s in SECTIONS.items()}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for target in LINK.findall(FENCED.sub("", page.read_text())):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{name(page)} links to {target}"
        assert not anchor or anchor in anchors(file), f"{name(page)} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = page.read_text()
    prose = re.sub(r"^ *make\b", "", FENCED.sub("", text), flags=re.MULTILINE)
    for words in MAKE.findall("\n".join([prose, *FENCED.findall(text)])):
        for target in (word for word in words.split() if word.isalpha() and word.islower()):
            assert target in targets, f"{name(page)}: make {target}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_setting_that_a_page_names_exists(page: Path) -> None:
    for section, key in KEY.findall(page.read_text()):
        assert section in SECTIONS, f"{name(page)}: platform:{section}"
        plain = re.sub(r"\[\d+\]", "[]", key)
        assert not plain or plain in KNOWN[section], f"{name(page)}: platform:{section}.{key}"


def as_mains(key: str) -> bool:
    """Tell whether a key of a further PostgreSQL cluster is one of the main one's, whose row stands for both."""
    further, _, own = key.partition("clusters.<name>.")
    return further == "" and own != "" and KNOWN["postgres"].get(own) == KNOWN["postgres"][key]


def documented() -> dict[str, dict[str, str]]:
    """Return key -> default as written, for each section of the settings page."""
    text = (ROOT / "docs" / "guide" / "settings.md").read_text()
    parts = re.split(r"^## platform:(\w+)$", text, flags=re.MULTILINE)[1:]
    return {
        section: {
            match[1]: match["default"] if match["default"] is not None else match[2] for match in ROW.finditer(part)
        }
        for section, part in zip(parts[::2], parts[1::2], strict=True)
    }


def test_the_settings_page_lists_exactly_the_keys_of_the_schema() -> None:
    tables = documented()
    assert tables.pop("protect") == {"protect": "true"}
    for section, rows in tables.items():
        # A mapping of keys of its own is listed by those, unless leaving it out means something.
        listed = {
            key
            for key, (schema, _) in KNOWN[section].items()
            if ("default" in schema or "properties" not in resolved(schema))
            and not (section == "postgres" and as_mains(key))
        }
        assert set(rows) == listed, section
    assert {*tables, "protect"} == set(SECTIONS)


def default(section: str, key: str) -> str:
    """Return a key's default as the page writes it."""
    schema, required = KNOWN[section][key]
    value: Any = MODELS[section].model_validate({"context": "any"} if section == "cluster" else {})
    value = value.model_dump(by_alias=True, mode="json")
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        value = schema.get("default")
    if (section, key) == ("cluster", "context") or (value is None and required):
        return "required"
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value)


def test_the_settings_page_gives_every_default() -> None:
    rows = {(section, key): written for section, table in documented().items() for key, written in table.items()}
    for (section, key), written in rows.items():
        if section == "protect" or (section, key) == IN_WORDS:
            continue
        assert written == default(section, key), f"platform:{section}.{key}"
