"""Field types and the base model that all settings share.

A type's message is what a user reads in the list of wrong settings: it says what is allowed.
"""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from ipaddress import IPv4Network
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from components.problems import Problem

# RFC 1123 label, as Kubernetes validates names (apimachinery, util/validation, IsDNS1123Label).
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DNS_NAME_LENGTH = 253
# Kubernetes' resource.Quantity: a number with an optional decimal or binary suffix.
_QUANTITY = re.compile(r"(?P<number>\d+(\.\d+)?)(?P<suffix>[EPTGMK]i|[EPTGMk]|m)?")
_SUFFIXES = {
    "m": Decimal("0.001"),
    "": Decimal(1),
    "k": Decimal(10**3),
    **{letter + "i": Decimal(1024**power) for power, letter in enumerate("KMGTPE", start=1)},
    **{letter: Decimal(1000**power) for power, letter in enumerate("MGTPE", start=2)},
}
# minute hour day-of-month month day-of-week, the subset that Longhorn, CronJob and the Zalando operator all accept.
_CRON_FIELD = r"(\*|\d+)([/,-]\d+)*"
_CRON = re.compile(rf"{_CRON_FIELD}( {_CRON_FIELD}){{4}}")


class Model(BaseModel):
    """Base of all settings: frozen, unknown keys forbidden, keys in camelCase as in every Kubernetes file."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        strict=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong between the fields, once each of them is right by itself."""
        yield from ()


def quantity_value(quantity: str) -> Decimal:
    """Return the number that a Kubernetes quantity such as ``512Mi`` stands for (bytes, or cores)."""
    match = _QUANTITY.fullmatch(quantity)
    if match is None:
        raise PydanticCustomError("quantity", "a Kubernetes quantity such as 500m, 512Mi or 1Gi")
    return Decimal(match["number"]) * _SUFFIXES[match["suffix"] or ""]


def allowed(what: str, accept: Callable[[str], Any]) -> Callable[[str], str]:
    """Make a validator that keeps the text and says what is allowed where ``accept`` refuses it."""

    def check(text: str) -> str:
        try:
            accepted = accept(text)
        except ValueError:
            accepted = None
        if not accepted:
            raise PydanticCustomError("allowed", "{what}", {"what": what})
        return text

    return check


def _is_dns_name(text: str) -> bool:
    return len(text) <= _DNS_NAME_LENGTH and all(map(_DNS_LABEL.fullmatch, text.split(".")))


DnsLabel = Annotated[
    str,
    AfterValidator(
        allowed("a DNS label: 1 to 63 of a-z, 0-9 and '-', first and last a letter or digit", _DNS_LABEL.fullmatch)
    ),
    WithJsonSchema({"type": "string", "pattern": f"^{_DNS_LABEL.pattern}$"}),
]
"""Name of an object that Services, StatefulSets and Namespaces can bear."""

DnsName = Annotated[
    str,
    AfterValidator(allowed("a DNS name such as www.example.com", _is_dns_name)),
    WithJsonSchema({"type": "string", "format": "hostname"}),
]
"""Dotted host name."""

Quantity = Annotated[
    str,
    AfterValidator(allowed("a Kubernetes quantity such as 500m, 512Mi or 1Gi", _QUANTITY.fullmatch)),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": f"^{_QUANTITY.pattern.replace('?P<number>', '').replace('?P<suffix>', '')}$",
        }
    ),
]
"""Amount of CPU (cores), memory or storage (bytes)."""

Cidr = Annotated[
    str,
    AfterValidator(allowed("an IPv4 network such as 172.31.0.0/16, with no host bits set", IPv4Network)),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+){3}/\d+$"}),
]
"""IPv4 network."""

Cron = Annotated[
    str,
    AfterValidator(allowed("a cron schedule of five fields such as '30 0 * * *'", _CRON.fullmatch)),
    WithJsonSchema({"type": "string", "pattern": f"^{_CRON.pattern}$"}),
]
"""Schedule in UTC."""


class Resources(Model):
    """What one container asks for and may use; memory's limit equals its request.

    A memory limit above the request lets a node overcommit and kill.
    """

    cpu: Quantity
    """CPU request, in cores."""
    memory: Quantity
    """Memory request and limit, in bytes."""
    cpu_limit: Quantity | None = None
    """CPU limit, in cores; by default none, since it only throttles."""

    def container(self) -> dict[str, dict[str, str]]:
        """Return the ``resources`` of a container."""
        limits = {"memory": self.memory}
        if self.cpu_limit:
            limits["cpu"] = self.cpu_limit
        return {"requests": {"cpu": self.cpu, "memory": self.memory}, "limits": limits}
