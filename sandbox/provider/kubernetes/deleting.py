"""Deletes objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.provider.kubernetes import steering
from sandbox.provider.kubernetes.api import ApiError, NoSuchKindError
from sandbox.provider.kubernetes.objects import manifest
from sandbox.provider.kubernetes.settling import NOT_FOUND
from sandbox.provider.kubernetes.waiting import until_gone

if TYPE_CHECKING:
    from sandbox.provider.kubernetes.session import Session
    from sandbox.provider.values import Properties


def delete(session: Session, object_id: str, inputs: Properties, seconds: float) -> None:
    """Delete the object and wait until it is gone, `seconds` long (0: the default).

    One that is gone already, or whose kind is, is as good as deleted.
    """
    body = manifest(inputs)
    seconds = steering.timeout(body, seconds)
    try:
        path = session.place(body, object_id.rpartition("/")[2]).path
        live = session.api.get(path)
        session.api.delete(path, steering.propagation(body))
    except NoSuchKindError:
        return
    except ApiError as error:
        if error.code == NOT_FOUND:
            return
        raise
    if not steering.is_true(body, steering.SKIP_AWAIT):
        until_gone(session.api, path, live["metadata"]["uid"], seconds, session.cancelled)
