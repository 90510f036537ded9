"""Checks what the program declares before anything depends on it, and completes names and namespaces."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from sandbox.provider.errors import ProviderError
from sandbox.provider.kubernetes import steering
from sandbox.provider.kubernetes.api import NoSuchKindError
from sandbox.provider.kubernetes.objects import hide_content
from sandbox.provider.values import UNKNOWN, Secret, has_unknown, is_map, reveal

if TYPE_CHECKING:
    from sandbox.provider.kubernetes.session import Session
    from sandbox.provider.values import Properties

_SUFFIX_DIGITS: Final = 8
_COMPOUND_MODULES: Final = ("helm.sh/", "yaml", "kustomize")
"""What these make are many objects at once, from charts and folders; of them, only `Chart` is known, elsewhere."""


def require_supported(token: str) -> None:
    """Raise ProviderError for resource types and functions that only the official plugin has."""
    module = token.split(":")[1] if token.count(":") > 1 else ""
    if module.startswith(_COMPOUND_MODULES):
        raise unsupported(token)


def unsupported(token: str) -> ProviderError:
    """Return the error for what only the official plugin can do."""
    return ProviderError(
        f"{token} isn't supported by the sandbox's stand-in for the Kubernetes plugin, which applies single objects"
        " and charts (helm.sh/v4:Chart) only; install the official plugin: pulumi plugin install resource kubernetes"
    )


def complete(token: str, name: str, old: Properties, new: Properties, *, seed: bytes, session: Session) -> Properties:
    """Return the new inputs with kind, name and namespace filled in, Secrets' content marked secret.

    `name` is the resource's name in the program; an object without a name gets it with a random suffix, which `old`
    keeps from then on. Raises ProviderError for what can't be applied.
    """
    require_supported(token)
    group_version, kind = token.split(":")[1:3]
    typed = {"apiVersion": group_version.removeprefix("core/"), "kind": kind, **new}
    if kind.endswith("Patch") and not has_unknown(typed["kind"]) and typed["kind"] != kind:
        raise unsupported(token)
    if typed.get("metadata") is UNKNOWN:
        return hide_content(typed)
    metadata = reveal_map(typed.get("metadata", {}))
    if metadata.get("generateName"):
        raise ProviderError("metadata.generateName can't be used with server-side apply; leave out both names")
    named = _named(metadata, name, reveal_map(old.get("metadata", {})), seed)
    body = {**typed, "metadata": _with_namespace(named, typed, session)}
    _require_valid_annotations(body)
    return hide_content(body)


def reveal_map(value: object) -> Properties:
    """Return a map whose values keep their wrappers, opened where it is secret as a whole."""
    opened = value.value if isinstance(value, Secret) else value
    return dict(opened) if is_map(opened) else {}


def _named(metadata: Properties, name: str, old: Properties, seed: bytes) -> Properties:
    if metadata.get("name"):
        return metadata
    autonamed = reveal_map(old.get("annotations", {})).get(steering.AUTONAMED) == "true"
    kept = old.get("name") if autonamed else None
    suffix = hashlib.sha256(seed).hexdigest()[:_SUFFIX_DIGITS] if seed else secrets.token_hex(_SUFFIX_DIGITS // 2)
    if metadata.get("annotations") is UNKNOWN:
        return {**metadata, "name": kept or f"{name}-{suffix}"}
    marks = {**reveal_map(metadata.get("annotations", {})), steering.AUTONAMED: "true"}
    return {**metadata, "name": kept or f"{name}-{suffix}", "annotations": marks}


def _with_namespace(metadata: Properties, typed: Properties, session: Session) -> Properties:
    # The provider's default is written down, so that changing it moves the objects.
    default = session.settings.namespace
    if not default or metadata.get("namespace") or not _is_namespaced(typed, session):
        return metadata
    return {**metadata, "namespace": default}


def _is_namespaced(typed: Properties, session: Session) -> bool:
    try:
        return session.api.resource(typed["apiVersion"], typed["kind"]).namespaced
    except NoSuchKindError:
        return True


def _require_valid_annotations(body: Properties) -> None:
    plain: Properties = reveal(body)
    if plain["metadata"].get("annotations") is UNKNOWN:
        return
    steering.wait_for(plain)
    steering.timeout(plain, 0)
    steering.propagation(plain)
