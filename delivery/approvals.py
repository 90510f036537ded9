"""The file in which a pull request approves, resource by resource, what the guard would refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from delivery.errors import DeliveryError

if TYPE_CHECKING:
    from pathlib import Path


class _Strict(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True)


class Approval(_Strict):
    """One approved resource."""

    urn: Annotated[str, Field(pattern=r"^urn:pulumi:.+::.+::.+::.+$")]
    consequence: Literal["replacement", "data loss", "unknown"]
    """Exactly what is approved: who approves a replacement hasn't approved a loss."""
    reason: Annotated[str, Field(min_length=10)]
    """Why this is fine, and where the data is kept meanwhile."""
    approved_by: Annotated[str, Field(min_length=1)]


class Approvals(_Strict):
    """A whole file."""

    version: Literal["platform/approvals/v1"]
    base_commit: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    """Commit that the pull request starts from: on any other the file approves nothing."""
    approvals: Annotated[list[Approval], Field(min_length=1)]


def read_approvals(file: Path) -> Approvals | None:
    """Return what a file approves, None where there is no such file.

    Raises:
        DeliveryError: the file isn't one of approvals; the message names each wrong key.

    """
    if not file.exists():
        return None
    try:
        found = Approvals.model_validate(yaml.safe_load(file.read_text()))
    except yaml.YAMLError as error:
        raise DeliveryError(f"{file} is no YAML: {error}") from error
    except ValidationError as error:
        faults = [f"  {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise DeliveryError("\n".join([f"{file} is no file of approvals:", *faults])) from error
    urns = [approval.urn for approval in found.approvals]
    if twice := sorted({urn for urn in urns if urns.count(urn) > 1}):
        raise DeliveryError(f"{file} approves twice: {', '.join(twice)}")
    return found
