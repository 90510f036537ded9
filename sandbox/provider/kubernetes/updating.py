"""Changes objects, and says before what would come of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandbox.provider.errors import ProviderError
from sandbox.provider.kubernetes import steering
from sandbox.provider.kubernetes.api import ApiError, NoSuchKindError
from sandbox.provider.kubernetes.objects import manifest
from sandbox.provider.kubernetes.ownership import conflicts_only_with_ours, never_applied, take_as_applied
from sandbox.provider.kubernetes.settling import (
    CONFLICT,
    FORBIDDEN,
    Declared,
    Kept,
    field_manager,
    partial_failure,
    settle,
)
from sandbox.provider.values import has_unknown, is_map

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.provider.kubernetes.session import Place, Session
    from sandbox.provider.values import Json, Properties


def preview(session: Session, urn: str, old: Properties, inputs: Properties, *, ignored: Sequence[str]) -> Properties:
    """Return what the object would become, by a server dry-run; the inputs where the server can't know."""
    if has_unknown(inputs):
        return inputs
    declared = _declare(urn, old, inputs)
    try:
        before = str(old.get("__fieldManager", declared.manager))
        _, live = _apply(session, declared, ignored, before, dry_run=True)
    except NoSuchKindError:
        return inputs
    except ApiError as error:
        if error.code == FORBIDDEN:
            return inputs
        raise
    return declared.kept(live)


def update(
    session: Session, urn: str, old: Properties, inputs: Properties, *, ignored: Sequence[str], seconds: float
) -> Kept:
    """Change the object and wait until it is ready, `seconds` long (0: the default).

    `old` is what the engine kept of the object, `ignored` the paths whose live value shall stay.
    """
    declared = _declare(urn, old, inputs)
    seconds = steering.timeout(declared.body, seconds)
    before = str(old.get("__fieldManager", declared.manager))
    place, live = _apply(session, declared, ignored, before)
    _give_up_ownership(session, declared, place, before)
    done = f'the Kubernetes API server reported that "{place.object_id}"'
    return settle(session, declared, place, live, seconds=seconds, done=done)


def _declare(urn: str, old: Properties, inputs: Properties) -> Declared:
    body = manifest(inputs)
    return Declared(urn, inputs, body, field_manager(body, old))


def _apply(
    session: Session, declared: Declared, ignored: Sequence[str], owner: str, *, dry_run: bool = False
) -> tuple[Place, Properties]:
    place = session.place(declared.body)
    live = session.find(place.path)
    if live is None:
        raise ProviderError(
            f'update of resource "{declared.urn}" failed: {declared.body["kind"]} "{place.object_id}" is gone;'
            " pulumi refresh will notice, and the next update create it again"
        )
    body = declared.body
    for path in ignored:
        body = _with_live_value(body, live, _steps(path))
    force = session.force(body) or (dry_run and never_applied(live, owner))
    try:
        if not dry_run:
            take_as_applied(session.api, place.path, live, owner)
        return place, _send(session, declared._replace(body=body), place, owner, force=force, dry_run=dry_run)
    except ApiError as error:
        if dry_run and error.code == FORBIDDEN:
            raise
        done = f'the Kubernetes API server reported that "{place.object_id}"'
        raise partial_failure(done, _reason(error), place, declared.kept(live)) from error


def _send(session: Session, declared: Declared, place: Place, owner: str, *, force: bool, dry_run: bool) -> Properties:
    try:
        return session.api.apply(place.path, declared.body, manager=declared.manager, force=force, dry_run=dry_run)
    except ApiError as error:
        if not conflicts_only_with_ours(error, owner):
            raise
    return session.api.apply(place.path, declared.body, manager=declared.manager, force=True, dry_run=dry_run)


def _reason(error: ApiError) -> str:
    if error.code != CONFLICT:
        return str(error)
    return (
        f"Server-Side Apply field conflict detected: {error}; leave the field to its manager, or take it over with"
        f" the annotation {steering.PATCH_FORCE}"
    )


def _give_up_ownership(session: Session, declared: Declared, place: Place, manager: str) -> None:
    # The fields belong to the new manager now; the old one would keep them from being removed.
    if manager != declared.manager:
        body = declared.body
        nothing = {key: body[key] for key in ("apiVersion", "kind")} | {"metadata": {"name": body["metadata"]["name"]}}
        session.api.apply(place.path, nothing, manager=manager)


def _with_live_value(body: Json, live: Json, steps: list[str]) -> Json:
    # Declaring what is there already conflicts with no one and takes nothing from who else sets it.
    if not is_map(body) or not is_map(live) or steps[0] not in live:
        return body
    if len(steps) == 1:
        return {**body, steps[0]: live[steps[0]]}
    return {**body, steps[0]: _with_live_value(body.get(steps[0]), live[steps[0]], steps[1:])}


def _steps(path: str) -> list[str]:
    quoted = re.findall(r'\["((?:[^"\\]|\\.)*)"\]|([^.\[\]]+)', path)
    return [key or plain for key, plain in quoted]
