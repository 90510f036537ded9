"""Creates objects, and says before what would come of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from sandbox.provider.errors import ProviderError
from sandbox.provider.kubernetes import steering
from sandbox.provider.kubernetes.api import ApiError
from sandbox.provider.kubernetes.objects import manifest
from sandbox.provider.kubernetes.settling import (
    CONFLICT,
    FORBIDDEN,
    NOT_FOUND,
    Declared,
    Kept,
    field_manager,
    settle,
)
from sandbox.provider.kubernetes.waiting import until_gone
from sandbox.provider.values import has_unknown

if TYPE_CHECKING:
    from sandbox.provider.kubernetes.session import Place, Session
    from sandbox.provider.values import Properties

_APPEARING_SECONDS: Final = 10.0
"""How long a new kind may take from being established to being served."""
_RETRY_SECONDS: Final = 0.25


def preview(session: Session, urn: str, inputs: Properties) -> Properties:
    """Return what the object would become, by a server dry-run.

    Where the server can't know (values, kind or namespace come with this same update; or this is the new half of a
    replacement, whose old half still stands), the inputs are the answer.
    """
    if has_unknown(inputs):
        return inputs
    declared = _declare(urn, inputs)
    try:
        place = session.place(declared.body)
        live = session.api.create(place.path, declared.body, manager=declared.manager, dry_run=True)
    except ApiError as error:
        if error.code in (FORBIDDEN, NOT_FOUND, CONFLICT):
            return inputs
        raise _not_created(urn, error) from error
    live.pop("status", None)  # still empty, a program would take it for the real one
    return declared.kept(live)


def create(session: Session, urn: str, inputs: Properties, seconds: float) -> Kept:
    """Create the object and wait until it is ready, `seconds` long (0: the default).

    Raises ProviderError when there is such an object already.
    """
    declared = _declare(urn, inputs)
    seconds = steering.timeout(declared.body, seconds)
    try:
        place, live = _create_once_served(session, declared, seconds)
    except ApiError as error:
        raise _not_created(urn, error) from error
    done = f'resource "{urn}" was successfully created, but the Kubernetes API server reported that it'
    return settle(session, declared, place, live, seconds=seconds, done=done)


def _declare(urn: str, inputs: Properties) -> Declared:
    body = manifest(inputs)
    return Declared(urn, inputs, body, field_manager(body, {}))


def _create_once_served(session: Session, declared: Declared, seconds: float) -> tuple[Place, Properties]:
    # A kind whose definition has just been made may not be served by every part of the API server yet.
    deadline = time.monotonic() + _APPEARING_SECONDS
    while True:
        try:
            place = session.place(declared.body)
            return place, _create_new(session, declared, place, seconds)
        except ApiError as error:
            late = time.monotonic() >= deadline
            if error.code != NOT_FOUND or late or session.cancelled.wait(_RETRY_SECONDS):
                raise


def _create_new(session: Session, declared: Declared, place: Place, seconds: float) -> Properties:
    try:
        return session.api.create(place.path, declared.body, manager=declared.manager)
    except ApiError as error:
        if error.code != CONFLICT:
            raise
    existing = session.find(place.path)
    if session.settings.adopt_existing:
        force = session.force(declared.body)
        return session.api.apply(place.path, declared.body, manager=declared.manager, force=force)
    if existing is not None and not existing["metadata"].get("deletionTimestamp"):
        raise _not_created(
            declared.urn,
            f'{declared.body["kind"]} "{place.object_id}" already exists; to manage it from here, import it'
            f" (resource option import_, id {place.object_id})",
        )
    if existing is not None:
        until_gone(session.api, place.path, existing["metadata"]["uid"], seconds, session.cancelled)
    return session.api.create(place.path, declared.body, manager=declared.manager)


def _not_created(urn: str, reason: object) -> ProviderError:
    return ProviderError(f'resource "{urn}" was not successfully created by the Kubernetes API server: {reason}')
