"""The target cluster as preflight sees it: read-only, by the kubeconfig and context of the settings."""

import os
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

if TYPE_CHECKING:
    import ssl

    import httpx2
    from lightkube.config.kubeconfig import SingleConfig

    from components.cluster import ClusterSettings

# Seconds until a cluster that doesn't answer counts as away.
PATIENCE = 10
BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
# Worker threads of preflight, each of which has a connection.
PARALLEL = 8

Live = Mapping[str, Any]
"""A live object, as JSON."""


def part(live_object: Live, *path: str) -> dict[str, Any]:
    """Return the mapping below ``path``, an empty one where there is none."""
    found: Any = live_object
    for key in path:
        found = found.get(key) or {}
    return cast("dict[str, Any]", found)


def listed(live_object: Live, *path: str) -> list[dict[str, Any]]:
    """Return the list of mappings below ``path``, an empty one where there is none."""
    return cast("list[dict[str, Any]]", part(live_object, *path[:-1]).get(path[-1]) or [])


class UnreachableError(Exception):
    """There is no way to the cluster; the message says what is missing."""


class ForbiddenError(Exception):
    """The kubeconfig's user may not read something; the message says what."""


class LiveCluster:
    """Reads objects of the cluster; may be used by many threads at once."""

    def __init__(self, settings: "ClusterSettings") -> None:
        """Find the cluster's address and credentials; nothing is sent yet.

        Raises:
            UnreachableError: kubeconfig or context is missing.

        """
        # Imported here: unit tests and the schema of the settings need no client.
        import httpx2  # noqa: PLC0415
        from lightkube.core.exceptions import ConfigError  # noqa: PLC0415

        self._context = settings.context
        self._failures = (httpx2.TransportError, ConfigError)
        try:
            chosen = _config(settings)
            self._server = chosen.cluster.server
            self._http = _client(chosen)
        except (ConfigError, KeyError, OSError) as error:
            raise UnreachableError(f"the kubeconfig of context '{settings.context}' can't be used: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str) -> Live | None:
        """Return what is at ``path``, None where there is nothing or where the kind is unknown.

        Raises:
            UnreachableError: the cluster doesn't answer.
            ForbiddenError: it refuses to.

        """
        return self._answer("GET", path)

    def items(self, path: str) -> list[Live]:
        """Return the objects of a list."""
        return [*listed(self.get(path) or {}, "items")]

    def may(self, **attributes: str) -> bool:
        """Tell whether the kubeconfig's user may do something (SelfSubjectAccessReview); asking changes nothing."""
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        answer = self._answer("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
        return bool(answer and answer["status"]["allowed"])

    def _answer(self, method: str, path: str, body: Live | None = None) -> Live | None:
        try:
            response = self._http.request(method, path, json=body)
            # A server that is busy, or whose kind has just been made, says so and when to come back.
            deadline = time.monotonic() + PATIENCE
            while response.status_code in BUSY and time.monotonic() < deadline:
                time.sleep(min(float(response.headers.get("retry-after", "1")), PATIENCE))
                response = self._http.request(method, path, json=body)
        except self._failures as error:
            raise UnreachableError(
                f"the cluster of context '{self._context}' ({self._server}) doesn't answer: {error}. "
                "Is it up, and the network to it? A cluster must be there before its stack can be previewed"
            ) from error
        match response.status_code:
            case HTTPStatus.NOT_FOUND:
                return None
            case HTTPStatus.UNAUTHORIZED:
                raise UnreachableError(
                    f"the cluster of context '{self._context}' ({self._server}) doesn't know the kubeconfig's user "
                    "(401): log in again, or take another kubeconfig by platform:cluster.kubeconfig"
                )
            case HTTPStatus.FORBIDDEN:
                raise ForbiddenError(f"{method} {path}")
            case code if code >= HTTPStatus.BAD_REQUEST:
                raise UnreachableError(
                    f"the cluster of context '{self._context}' ({self._server}) answers {method} {path} with {code}: "
                    f"{response.text}"
                )
            case _:
                return cast("Live", response.json())


def _client(chosen: "SingleConfig") -> "httpx2.Client":
    """Return a client of the cluster for many threads at once."""
    import httpx2  # noqa: PLC0415
    from lightkube.config.client_adapter import ConnectionParams  # noqa: PLC0415

    settings = ConnectionParams(timeout=httpx2.Timeout(PATIENCE))
    parameters = cast("dict[str, Any]", settings.httpx_params(chosen))
    tls = cast("ssl.SSLContext", parameters["verify"])
    # httpcore sets these anew before each handshake, which frees what a handshake of another thread is about to send:
    # once in some thousand the server then refuses it ("decode error").
    tls.set_alpn_protocols(["http/1.1"])
    tls.set_alpn_protocols = lambda alpn_protocols: None  # noqa: ARG005 - the signature of what it replaces
    return httpx2.Client(**parameters)


def _config(settings: "ClusterSettings") -> "SingleConfig":
    """Return how the context of the settings is reached.

    As for kubectl, $KUBECONFIG may name several files, of which some may be missing. Unlike in lightkube's own search,
    a pod's ServiceAccount never counts: a pipeline that runs in one cluster may roll out to another.
    """
    from lightkube.config.kubeconfig import KubeConfig  # noqa: PLC0415

    named = settings.kubeconfig or os.environ.get("KUBECONFIG") or "~/.kube/config"
    paths = [named] if settings.kubeconfig else [path for path in named.split(os.pathsep) if path]
    files = [KubeConfig.from_file(path) for path in paths if len(paths) == 1 or Path(path).expanduser().exists()]
    for file in files:
        if settings.context in file.contexts and (chosen := file.get(settings.context)):
            return chosen
    known = ", ".join(sorted({context for file in files for context in file.contexts})) or "none"
    raise UnreachableError(
        f"platform:cluster.context = '{settings.context}': allowed are the contexts of the kubeconfig {named}: {known}"
    )
