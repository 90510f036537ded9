"""The API server's REST interface for objects of any kind."""

from __future__ import annotations

import itertools
import json
import re
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sandbox.provider.errors import ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx2

    from sandbox.provider.values import Json, Properties

_THROTTLED: Final = 429
_THROTTLE_RETRIES: Final = 10
_CONNECT_RETRIES: Final = 1
_AGGREGATED: Final = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
"""Asks for all kinds in one answer, instead of one for each group."""
_WARNING: Final = re.compile(r'299 \S+ "((?:[^"\\]|\\.)*)"')


class ApiError(ProviderError):
    """The API server refused a request, or (with code 0) couldn't be reached."""

    def __init__(self, message: str, *, code: int = 0, causes: list[Properties] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.causes = causes or []


class NoSuchKindError(ApiError):
    """The API server doesn't serve this kind (yet): its CustomResourceDefinition is missing."""

    def __init__(self, api_version: str, kind: str) -> None:
        super().__init__(f'no matches for kind "{kind}" in version "{api_version}"', code=404)


class Resource(NamedTuple):
    """Where the API server keeps the objects of one kind."""

    api_version: str
    plural: str
    namespaced: bool

    def path(self, name: str, namespace: str) -> str:
        """Return the URL path of an object; cluster-wide kinds ignore the namespace."""
        root = "/apis" if "/" in self.api_version else "/api"
        scope = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{root}/{self.api_version}{scope}/{self.plural}/{name}"


class Api:
    """One API server. Safe to use from many threads."""

    def __init__(self, http: httpx2.Client, warn: Callable[[str], None]) -> None:
        """Use the connection; `warn` is told what the API server warns of."""
        self._http = http
        self._warn = warn
        self._resources: dict[str, dict[str, Resource]] = {}
        self._pause = threading.Event()

    def resource(self, api_version: str, kind: str) -> Resource:
        """Return where objects of the kind live, asking the API server once more if it wasn't known before.

        Raises NoSuchKindError when the API server doesn't serve the kind.
        """
        known = self._resources.get(api_version, {})
        if kind not in known:
            known = self._resources[api_version] = self._discover(api_version)
        if kind not in known:
            raise NoSuchKindError(api_version, kind)
        return known[kind]

    def version(self) -> str:
        """Return the API server's version, such as v1.36.3."""
        return str(self.get("/version")["gitVersion"])

    def kinds(self) -> list[str]:
        """Return every `group/version` that is served, and every `group/version/Kind`."""
        found: list[str] = []
        for root in ("/api", "/apis"):
            listed: list[Properties] = self._request("GET", root, headers={"Accept": _AGGREGATED})["items"]
            for item in listed:
                for version in item["versions"]:
                    name = f"{item['metadata'].get('name', '')}/{version['version']}".removeprefix("/")
                    found += [name, *(f"{name}/{entry['responseKind']['kind']}" for entry in version["resources"])]
        return found

    def get(self, path: str, **query: str) -> Properties:
        """Return the object, or the list of objects that the query selects."""
        return self._request("GET", path, params=query)

    def apply(
        self, path: str, body: Properties, *, manager: str, force: bool = False, dry_run: bool = False
    ) -> Properties:
        """Change the object by server-side apply, refusing unknown fields; return what came of it.

        With `force` fields are taken over from their managers; without, that is a conflict (code 409).
        """
        query = {**_writing(manager, dry_run=dry_run), "force": str(force).lower()}
        return self._request(
            "PATCH",
            path,
            params=query,
            content=json.dumps(body).encode(),
            headers={"Content-Type": "application/apply-patch+yaml"},
        )

    def create(self, path: str, body: Properties, *, manager: str, dry_run: bool = False) -> Properties:
        """Create the object, refusing unknown fields; raises ApiError with code 409 where there is one already."""
        return self._request("POST", path.rpartition("/")[0], params=_writing(manager, dry_run=dry_run), json=body)

    def patch(self, path: str, changes: list[Properties], *, manager: str) -> Properties:
        """Make single changes to the object (a JSON patch) and return what came of it."""
        return self._request(
            "PATCH",
            path,
            params=_writing(manager, dry_run=False),
            content=json.dumps(changes).encode(),
            headers={"Content-Type": "application/json-patch+json"},
        )

    def delete(self, path: str, propagation: str) -> None:
        """Ask for the object's deletion; it may live on until its finalizers are done."""
        self._request("DELETE", path, json={"propagationPolicy": propagation})

    def _discover(self, api_version: str) -> dict[str, Resource]:
        root = "/apis" if "/" in api_version else "/api"
        try:
            listed: list[Properties] = self.get(f"{root}/{api_version}")["resources"]
        except ApiError as error:
            if error.code == 404:  # noqa: PLR2004 - HTTP's "not found"
                return {}
            raise
        return {
            entry["kind"]: Resource(api_version, entry["name"], entry["namespaced"])
            for entry in listed
            if "/" not in entry["name"]
        }

    def _request(self, method: str, path: str, **arguments: Any) -> Properties:  # noqa: ANN401 - httpx2's own
        import httpx2  # noqa: PLC0415 - see settings.py

        for attempt in itertools.count(1):
            try:
                response = self._http.request(method, path, **arguments)
            except httpx2.ConnectError as error:
                # Nothing was sent yet. Of many handshakes at once one may fail: httpcore sets the protocols that they
                # share anew before each.
                if attempt > _CONNECT_RETRIES:
                    raise self._unreachable(error) from error
                continue
            except httpx2.HTTPError as error:
                raise self._unreachable(error) from error
            if response.status_code != _THROTTLED or attempt == _THROTTLE_RETRIES:
                return self._answer(response)
            self._pause.wait(float(response.headers.get("Retry-After", "1")))
        raise AssertionError("an endless count ended")

    def _unreachable(self, error: Exception) -> ApiError:
        return ApiError(f"Kubernetes API server {self._http.base_url} is unreachable: {error}")

    def _answer(self, response: httpx2.Response) -> Properties:
        for header in response.headers.get_list("Warning"):
            for text in _WARNING.findall(header):
                self._warn(text.replace('\\"', '"'))
        body: Json = response.json() if "json" in response.headers.get("Content-Type", "") else response.text
        if response.is_success:
            return body
        if isinstance(body, str):
            raise ApiError(body.strip() or response.reason_phrase, code=response.status_code)
        raise ApiError(
            body.get("message", ""),
            code=response.status_code,
            causes=body.get("details", {}).get("causes"),
        )


def _writing(manager: str, *, dry_run: bool) -> dict[str, str]:
    query = {"fieldManager": manager, "fieldValidation": "Strict"}
    return {**query, "dryRun": "All"} if dry_run else query
