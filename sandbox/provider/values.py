"""Property values: how the Pulumi protocol's Structs become plain Python values and back.

Some values have no JSON form of their own and travel in disguise: secrets and references to resources (maps with a
signature), and what is only known after an update (a fixed text). These are constants of the Pulumi protocol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, TypeGuard

from google.protobuf.struct_pb2 import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.struct_pb2 import Value as ProtoValue

Json: TypeAlias = Any
"""Any property value. Its shape is the API server's business, not ours."""
Properties: TypeAlias = dict[str, Json]

SIGNATURE_KEY: Final = "4dabf18193072939515e22adb298388d"
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the protocol's marker, not a secret
REFERENCE_SIGNATURE: Final = "5cf8f73096256a8f31e491e813e4eb8e"
UNKNOWN_TEXT: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


class Secret(NamedTuple):
    """A value that Pulumi must encrypt in state and mask on the screen."""

    value: Json


class ResourceReference(NamedTuple):
    """Another resource, as a component's output names it."""

    urn: str
    object_id: str


class Unknown:
    """A value that is only known once another resource was made (previews only)."""

    def __repr__(self) -> str:
        return "<unknown>"


UNKNOWN: Final = Unknown()


def is_map(value: Json) -> TypeGuard[Properties]:
    """Tell whether the value is a map."""
    return isinstance(value, dict)


def is_list(value: Json) -> TypeGuard[list[Json]]:
    """Tell whether the value is a list."""
    return isinstance(value, list)


def decode(struct: Struct) -> Properties:
    """Return the Struct's fields; nulls are left out, since Pulumi means "not set" by them."""
    return {name: value for name, proto in struct.fields.items() if (value := _decode(proto)) is not None}


def _decode(proto: ProtoValue) -> Json:
    kind = proto.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if proto.string_value == UNKNOWN_TEXT else proto.string_value
    if kind == "number_value":
        number = proto.number_value
        return int(number) if number.is_integer() else number
    if kind == "struct_value":
        return _decode_map(proto.struct_value)
    if kind == "list_value":
        return [_decode(item) for item in proto.list_value.values]
    return proto.bool_value if kind == "bool_value" else None


def _decode_map(struct: Struct) -> Json:
    fields = struct.fields
    if SIGNATURE_KEY not in fields:
        return decode(struct)
    signature = fields[SIGNATURE_KEY].string_value
    if signature == SECRET_SIGNATURE:
        return Secret(_decode(fields["value"]))
    raise ValueError(f"property with signature {signature!r}: assets, archives and references aren't supported")


def encode(properties: Mapping[str, Json]) -> Struct:
    """Return the properties as a Struct, with secrets and unknown values in the protocol's disguise."""
    struct = Struct()
    struct.update({name: _disguise(value) for name, value in properties.items()})
    return struct


def _disguise(value: Json) -> Json:
    if isinstance(value, Secret):
        return {SIGNATURE_KEY: SECRET_SIGNATURE, "value": _disguise(value.value)}
    if isinstance(value, ResourceReference):
        # A preview has no id for what it doesn't make.
        return {SIGNATURE_KEY: REFERENCE_SIGNATURE, "urn": value.urn, "id": value.object_id or UNKNOWN_TEXT}
    if is_map(value):
        return {name: _disguise(item) for name, item in value.items()}
    if is_list(value):
        return [_disguise(item) for item in value]
    return UNKNOWN_TEXT if value is UNKNOWN else value


def reveal(value: Json) -> Json:
    """Return a copy of the value with every secret unwrapped."""
    if isinstance(value, Secret):
        return reveal(value.value)
    if is_map(value):
        return {name: reveal(item) for name, item in value.items()}
    if is_list(value):
        return [reveal(item) for item in value]
    return value


def has_unknown(value: Json) -> bool:
    """Tell whether the value is unknown or holds an unknown value anywhere."""
    if isinstance(value, Secret):
        return has_unknown(value.value)
    if is_map(value):
        return any(has_unknown(item) for _, item in value.items())
    if is_list(value):
        return any(has_unknown(item) for item in value)
    return value is UNKNOWN


def has_secret(value: Json) -> bool:
    """Tell whether the value is a secret or holds one anywhere."""
    if is_map(value):
        return any(has_secret(item) for _, item in value.items())
    if is_list(value):
        return any(has_secret(item) for item in value)
    return isinstance(value, Secret)


def mark_secrets(target: Properties, source: Mapping[str, Json]) -> Properties:
    """Return `target` with a secret wherever `source` holds one.

    Maps are followed key by key. A list with a secret in it becomes one secret, because the API server may
    have reordered its elements.
    """
    marked = dict(target)
    for name, wanted in source.items():
        if name not in marked or isinstance(marked[name], Secret):
            continue
        if is_map(wanted) and is_map(marked[name]):
            marked[name] = mark_secrets(marked[name], wanted)
        elif has_secret(wanted):
            marked[name] = Secret(marked[name])
    return marked
