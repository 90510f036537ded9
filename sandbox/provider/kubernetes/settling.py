"""What follows once the API server took an object: waiting for it, and saying what the engine shall keep."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

from sandbox.provider.errors import PartialFailureError
from sandbox.provider.kubernetes.objects import outputs
from sandbox.provider.kubernetes.steering import FIELD_MANAGER, value
from sandbox.provider.kubernetes.waiting import NotReadyError, until_ready

if TYPE_CHECKING:
    from sandbox.provider.kubernetes.session import Place, Session
    from sandbox.provider.values import Properties

FORBIDDEN: Final = 403
NOT_FOUND: Final = 404
CONFLICT: Final = 409


class Kept(NamedTuple):
    """What the engine keeps of an object: its id and its outputs."""

    object_id: str
    properties: Properties


class Declared(NamedTuple):
    """An object as the program declares it: the engine's inputs, and the body that the API server gets."""

    urn: str
    inputs: Properties
    body: Properties
    manager: str

    def kept(self, live: Properties) -> Properties:
        """Return the outputs for the live object."""
        return outputs(live, self.inputs, self.manager, self.body["apiVersion"])


def field_manager(body: Properties, old: Properties) -> str:
    """Return the name under which we own fields: the program's choice, else the one used before, else a new one.

    Each resource has its own, so that two resources which declare the same object see each other's fields.
    """
    return value(body, FIELD_MANAGER) or old.get("__fieldManager") or f"pulumi-kubernetes-{secrets.token_hex(4)}"


def settle(session: Session, declared: Declared, place: Place, live: Properties, *, seconds: float, done: str) -> Kept:
    """Wait until the object is ready and return it.

    Raises PartialFailureError, whose message begins with `done`, when it isn't ready in time: the engine then keeps
    the object and tries again with the next update.
    """
    try:
        live = until_ready(session.api, place.path, live, declared.body, seconds=seconds, cancelled=session.cancelled)
    except NotReadyError as failure:
        raise partial_failure(done, str(failure), place, declared.kept(failure.live)) from failure
    return Kept(place.object_id, declared.kept(live))


def partial_failure(
    done: str, reason: str, place: Place, properties: Properties, inputs: Properties | None = None
) -> PartialFailureError:
    """Return the error for an object that is there but not as declared."""
    return PartialFailureError(
        f"{done} failed to fully initialize or become live: {reason}",
        object_id=place.object_id,
        properties=properties,
        inputs=inputs,
    )
