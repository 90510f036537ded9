"""Kubernetes objects as the program declares them, as the API server wants them, and as Pulumi keeps them."""

from __future__ import annotations

import base64
import binascii
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Final

from sandbox.provider.values import UNKNOWN, Secret, is_list, is_map, mark_secrets, reveal

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.provider.values import Json, Properties

SERVER_METADATA: Final = frozenset(
    [
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    ]
)
"""Metadata that only the API server writes."""
SERVER_ANNOTATIONS: Final = frozenset(
    ("deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration")
)
_QUANTITY_PARENTS: Final = frozenset(("requests", "limits", "capacity", "hard", "default", "defaultRequest"))
_QUANTITY_FIELDS: Final = frozenset(("storage", "sizeLimit", "averageValue", "size"))
_SUFFIXES: Final = {
    **{f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)},
    **{letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", start=1)},
    "m": Decimal("0.001"),
    "u": Decimal("1e-6"),
    "n": Decimal("1e-9"),
}
"""Units of the API's quantities, longest first so that `Mi` isn't read as `i`."""


def manifest(inputs: Properties) -> Properties:
    """Return what to send to the API server: no secrets' wrappers, its own spelling of names, no read-only fields."""
    body = _rename(reveal(inputs), _dashed)
    metadata = {name: value for name, value in body.get("metadata", {}).items() if name not in SERVER_METADATA}
    return _fold_string_data({**body, "metadata": metadata})


def comparable(inputs: Properties) -> Properties:
    """Return the manifest without what means the same as its absence, so that rewording it isn't a change."""
    body = manifest(inputs)
    if is_built_in(body):
        body = _without_empty_maps(body)
    metadata: Properties = body.get("metadata", {})
    if metadata.get("namespace") == "default":
        return {**body, "metadata": {name: value for name, value in metadata.items() if name != "namespace"}}
    return body


def is_built_in(body: Properties) -> bool:
    """Tell whether the kind belongs to Kubernetes itself; a CustomResource may give an empty map a meaning."""
    group = str(body.get("apiVersion", "")).rpartition("/")[0]
    return "." not in group or group.endswith(".k8s.io")


def is_secret(body: Properties) -> bool:
    """Tell whether the object is a Secret."""
    return body.get("kind") == "Secret" and body.get("apiVersion") == "v1"


def hide_content(properties: Properties) -> Properties:
    """Return a Secret's properties with its content marked secret; other kinds as they are."""
    if not is_secret(properties):
        return properties
    content = {name: Secret(reveal(properties[name])) for name in ("data", "stringData") if name in properties}
    return {**properties, **content}


def outputs(live: Properties, inputs: Properties, manager: str, api_version: str) -> Properties:
    """Return what the engine keeps of a live object: all but its bulky ownership records, secrets marked."""
    metadata = {name: value for name, value in live.get("metadata", {}).items() if name != "managedFields"}
    renamed = _rename({**live, "metadata": metadata}, _underscored)
    marked = hide_content(mark_secrets(renamed, inputs))
    return {**marked, "__fieldManager": manager, "__initialApiVersion": api_version}


def imported_inputs(live: Properties) -> Properties:
    """Return inputs that would declare the live object, for an object that no program has declared yet."""
    metadata = {name: value for name, value in live.get("metadata", {}).items() if name not in SERVER_METADATA}
    annotations = {n: v for n, v in metadata.get("annotations", {}).items() if n not in SERVER_ANNOTATIONS}
    if "annotations" in metadata:
        metadata["annotations"] = annotations
    body = {name: value for name, value in live.items() if name != "status"}
    return hide_content(_rename({**body, "metadata": metadata}, _underscored))


def refreshed_inputs(live: Properties, declared: Properties) -> Properties:
    """Return the declared fields with their live values, secret where they were declared secret."""
    plain: Properties = _rename(reveal(declared), _dashed)
    if is_built_in(plain):
        live = _with_omitted(live, plain)
    pruned: Properties = _prune(live, {name: value for name, value in plain.items() if name != "stringData"})
    if is_secret(plain) and "stringData" in plain:
        pruned["stringData"] = _unfold(live.get("data", {}), plain["stringData"])
    return hide_content(mark_secrets(_rename(pruned, _underscored), declared))


def _with_omitted(live: Json, declared: Json) -> Json:
    """Return the live object with the declared zeros that it lacks: the API server may leave out `false`, 0 and ""."""
    if is_map(live) and is_map(declared):
        zeros = {name: item for name, item in declared.items() if name not in live and item in (False, 0, "")}
        return zeros | {name: _with_omitted(item, declared.get(name)) for name, item in live.items()}
    if is_list(live) and is_list(declared) and len(live) == len(declared):
        return [_with_omitted(item, wanted) for item, wanted in zip(live, declared, strict=True)]
    return live


def _prune(live: Json, declared: Json, parent: str = "", field: str = "") -> Json:
    if is_map(declared) and is_map(live):
        return {name: _prune(live[name], item, field, name) for name, item in declared.items() if name in live}
    if is_list(declared) and is_list(live):
        return _prune_list(live, declared)
    if _is_quantity(parent, field) and _same_quantity(live, declared):
        return declared
    return live


def _prune_list(live: list[Json], declared: list[Json]) -> list[Json]:
    """Others may add named elements (a sidecar) beside ours; an unnamed one they add (a rule) is drift."""
    if all(is_map(item) and "name" in item for item in (*live, *declared)):
        by_name = {item["name"]: item for item in live}
        return [_prune(by_name[item["name"]], item) for item in declared if item["name"] in by_name]
    known = [_prune(item, wanted) for item, wanted in zip(live, declared, strict=False)]
    return known + live[len(known) :]


def _is_quantity(parent: str, field: str) -> bool:
    return parent in _QUANTITY_PARENTS or field in _QUANTITY_FIELDS


def _same_quantity(one: Json, other: Json) -> bool:
    amounts = (_amount(str(one)), _amount(str(other)))
    return amounts[0] is not None and amounts[0] == amounts[1]


def _amount(quantity: str) -> Decimal | None:
    suffix = next((suffix for suffix in _SUFFIXES if quantity.endswith(suffix)), "")
    try:
        return Decimal(quantity.removesuffix(suffix)) * _SUFFIXES.get(suffix, Decimal(1))
    except InvalidOperation:
        return None


def _fold_string_data(body: Properties) -> Properties:
    # The API server would turn stringData into data; done here, removed keys are seen and removed.
    if not is_secret(body) or not is_map(body.get("stringData")):
        return body
    folded = {name: _base64(value) for name, value in body["stringData"].items()}
    rest = {name: value for name, value in body.items() if name != "stringData"}
    return {**rest, "data": {**body.get("data", {}), **folded}}


def _base64(value: Json) -> Json:
    return UNKNOWN if value is UNKNOWN else base64.b64encode(str(value).encode()).decode()


def _unfold(data: Properties, declared: Properties) -> Properties:
    return {name: _text(data[name]) for name in declared if name in data}


def _text(encoded: str) -> str:
    try:
        return base64.b64decode(encoded).decode()
    except (binascii.Error, UnicodeDecodeError):
        return encoded


def _without_empty_maps(body: Properties) -> Properties:
    """Leave out empty labels, annotations and content, at any depth: the API server doesn't store those."""
    kept = ((name, _without_empty(value)) for name, value in body.items())
    droppable = ("labels", "annotations", "data", "binaryData", "matchLabels", "nodeSelector", "parameters")
    return {name: value for name, value in kept if not (value in ({}, []) and (name in droppable or value == []))}


def _without_empty(value: Json) -> Json:
    if is_map(value):
        return _without_empty_maps(value)
    return [_without_empty(item) for item in value] if is_list(value) else value


def _rename(value: Json, spell: Callable[[str], str]) -> Json:
    if is_map(value):
        return {spell(name): _rename(item, spell) for name, item in value.items()}
    return [_rename(item, spell) for item in value] if is_list(value) else value


def _dashed(name: str) -> str:
    return name.replace("_", "-") if name.startswith("x_kubernetes_") else name


def _underscored(name: str) -> str:
    return name.replace("-", "_") if name.startswith("x-kubernetes-") else name
