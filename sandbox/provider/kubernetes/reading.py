"""Reads objects back, for a refresh or an import."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sandbox.provider.kubernetes.api import NoSuchKindError
from sandbox.provider.kubernetes.objects import imported_inputs, manifest, refreshed_inputs
from sandbox.provider.kubernetes.readiness import lacks
from sandbox.provider.kubernetes.readiness.status import HopelessError
from sandbox.provider.kubernetes.settling import Declared, Kept, field_manager, partial_failure

if TYPE_CHECKING:
    from sandbox.provider.kubernetes.session import Place, Session
    from sandbox.provider.values import Properties


class Found(NamedTuple):
    """A live object: what the engine keeps of it, and the inputs that would declare it as it is."""

    kept: Kept
    inputs: Properties


def refresh(session: Session, urn: str, object_id: str, old: Properties, inputs: Properties) -> Found | None:
    """Return the live object with the declared fields' live values as inputs, None if it is gone.

    Raises PartialFailureError for one that isn't ready, so that the next update waits for it again.
    """
    body = manifest(inputs)
    looked_up = _find(session, body, object_id)
    if looked_up is None:
        return None
    place, live = looked_up
    declared = Declared(urn, inputs, body, field_manager(body, old))
    found = Found(Kept(object_id, declared.kept(live)), refreshed_inputs(live, inputs))
    lacking = _lacking(session, live, body)
    if lacking:
        done = f'the Kubernetes API server reported that "{object_id}"'
        raise partial_failure(done, lacking, place, found.kept.properties, found.inputs)
    return found


def adopt(session: Session, urn: str, object_id: str, token: str) -> Found | None:
    """Return the live object that no program has declared yet, with all that isn't the server's own as inputs."""
    group_version, kind = token.split(":")[1:3]
    namespace, _, name = object_id.rpartition("/")
    body: Properties = {
        "apiVersion": group_version.removeprefix("core/"),
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
    }
    looked_up = _find(session, body, object_id)
    if looked_up is None:
        return None
    place, live = looked_up
    inputs = imported_inputs(live)
    declared = Declared(urn, inputs, body, field_manager(body, {}))
    return Found(Kept(place.object_id, declared.kept(live)), inputs)


def _find(session: Session, body: Properties, object_id: str) -> tuple[Place, Properties] | None:
    try:
        place = session.place(body, object_id.rpartition("/")[2])
    except NoSuchKindError:
        return None
    live = session.find(place.path)
    return None if live is None else (place, live)


def _lacking(session: Session, live: Properties, body: Properties) -> str | None:
    try:
        return lacks(live, body, session.api)
    except HopelessError as error:
        return str(error)
