"""The whole contract of one stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from platform_exports.reading import ContractError, Section, Values
from platform_exports.sections import Memcached, Network, Postgres, Redis, Storage, Websites

if TYPE_CHECKING:
    from collections.abc import Mapping

API_VERSION = "platform/v1"


class Platform(Section):
    """What one stack of the platform exports.

    An attribute of a part that is switched off in that stack ends the program with a `ContractError`.
    """

    @classmethod
    def from_stack(cls, stack: str) -> Platform:
        """Return the exports of ``stack``, ``<organization>/platform/<stack>``.

        The organization is ``organization`` on backends that have none. Both programs must use the same backend.

        Raises:
            ContractError: (from the program's run) it is no stack of the platform, or of another contract.

        """
        reference = pulumi.StackReference(stack)

        def checked(outputs: Mapping[str, Any]) -> Values:
            _require_contract(stack, outputs)
            return outputs

        return cls(stack, "", reference.outputs.apply(checked))

    @property
    def network(self) -> Network:
        """The network of all pods."""
        return Network(*self.section("network"))

    @property
    def storage(self) -> Storage:
        """The storage of the cluster."""
        return Storage(*self.section("storage"))

    @property
    def postgres(self) -> Postgres:
        """The main PostgreSQL cluster, and further ones by their names."""
        return Postgres(*self.section("postgres"))

    @property
    def redis(self) -> Redis:
        """Redis."""
        return Redis(*self.section("redis"))

    @property
    def websites(self) -> Websites:
        """The Websites that the platform's own stack declares."""
        return Websites(*self.section("websites"))

    @property
    def memcached(self) -> Memcached:
        """The Memcacheds that the platform's own stack declares."""
        return Memcached(*self.section("memcached"))


def _require_contract(stack: str, outputs: Values) -> None:
    version = outputs.get("apiVersion")
    if version is None:
        raise ContractError(
            f"the stack {stack} exports no 'apiVersion': it is no stack of the platform, or was never rolled out"
        )
    if version != API_VERSION:
        raise ContractError(
            f"the stack {stack} exports the contract {version!r}; this client reads {API_VERSION!r}: "
            "install the platform-exports of that stack's release"
        )
