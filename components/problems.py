"""A wrong setting, and how it is told."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

_LONGEST_VALUE = 80
# user:password@ of a URL
_URL_PASSWORD = re.compile(r"(//[^/\s:@]*:)[^/\s@]+@")
_HIDDEN = object()
_ABSENT = object()


@dataclass(frozen=True)
class Problem:
    """One wrong setting: its key, relative until ``within`` has made it whole; its value; what is allowed."""

    key: str
    value: Any
    allowed: str

    def within(self, parent: str, separator: str = ".") -> "Problem":
        """Return the same problem with the key as seen from ``parent``."""
        return replace(self, key=f"{parent}{separator}{self.key}" if self.key else parent)

    def redacted_if(self, secret: bool) -> "Problem":  # noqa: FBT001 - reads as a condition where it is called
        """Return the same problem, without its value where that may hold a secret."""
        return replace(self, value=_HIDDEN) if secret else self

    def __str__(self) -> str:
        if self.value is _ABSENT:
            return f"{self.key} is missing: {self.allowed}"
        shown = "[secret]" if self.value is _HIDDEN else _URL_PASSWORD.sub(r"\1[secret]@", repr(self.value))
        if len(shown) > _LONGEST_VALUE:
            shown = shown[: _LONGEST_VALUE - 1] + "…"
        return f"{self.key} = {shown}: allowed is {self.allowed}"


def explain(model: type[BaseModel], error: ErrorDetails) -> Problem:
    """Return a validation error of ``model`` in the words of a person who writes the stack file."""
    # Pydantic marks a wrong key of a mapping by a last part of its own.
    location = tuple(part for part in error["loc"] if part != "[key]")
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).removeprefix(".")
    if error["type"] == "missing":
        field = _field_at(model, location)
        return Problem(key, _ABSENT, ((field and field.description) or "required").splitlines()[0])
    return Problem(key, error["input"], _allowed(model, error))


def _allowed(model: type[BaseModel], error: ErrorDetails) -> str:
    location = error["loc"]
    match error["type"]:
        case "extra_forbidden":
            parent = _model_at(model, location[:-1])
            return f"one of the keys {', '.join(_keys(parent))}"
        case "model_type":
            return f"a mapping with the keys {', '.join(_keys(_model_at(model, location)))}"
        case "greater_than_equal" | "less_than_equal":
            return _range(_field_at(model, location))
        case _:
            return error["msg"].removeprefix("Input should be ").replace("tuple", "list")


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _range(field: FieldInfo | None) -> str:
    bounds = {type(bound).__name__: bound for bound in (field.metadata if field else [])}
    low, high = getattr(bounds.get("Ge"), "ge", None), getattr(bounds.get("Le"), "le", None)
    return f"{low} or more" if high is None else f"{low} to {high}"


def _field_at(model: type[BaseModel], location: Sequence[int | str]) -> FieldInfo | None:
    fields = _model_at(model, location[:-1]).model_fields
    return next((f for name, f in fields.items() if (f.alias or name) == location[-1]), None)


def _model_at(model: type[BaseModel], location: Sequence[int | str]) -> type[BaseModel]:
    """Return the model that validated ``location``; indices and keys of mappings lead to the same model."""
    for part in location:
        field = next((f for name, f in model.model_fields.items() if (f.alias or name) == part), None)
        model = _nested(field.annotation) or model if field else model
    return model


def _nested(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - any type expression
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _nested(part))), None)
