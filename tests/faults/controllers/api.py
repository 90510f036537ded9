"""The API server as an administrator uses it: plain JSON over HTTP."""

from __future__ import annotations

import json
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import yaml

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Mapping
    from pathlib import Path

    from controllers.runtime.rules import Rule

Object = dict[str, Any]

NOT_FOUND = 404
_PATCHES = {"merge": "application/merge-patch+json", "apply": "application/apply-patch+yaml"}
# Default of aiohttp's is 64 KiB; a line of a watch is as long as an object, 1.5 MiB at most.
BUFFER = 2**22


@dataclass(frozen=True, order=True)
class Resource:
    """A kind by the name that URLs have for it."""

    group: str
    version: str
    plural: str

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the path of the collection, of one object or of a part of it."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if namespace else ""
        parts = [root + scope, self.plural, name, subresource]
        return "/".join(part for part in parts if part)


NAMESPACES = Resource("", "v1", "namespaces")
SERVICES = Resource("", "v1", "services")
DEPLOYMENTS = Resource("apps", "v1", "deployments")


class RefusedError(Exception):
    """The API server answers by an error; ``status`` is what it says."""

    def __init__(self, code: int, status: Object) -> None:
        self.code = code
        super().__init__(f"{code} {status.get('message', '')}")


@dataclass(frozen=True)
class Cluster:
    """How to reach a control plane: its address, and what verifies it and the administrator."""

    folder: Path
    """Where its files are."""
    server: str
    authority: str
    certificate: str
    key: str

    @classmethod
    def read(cls, kubeconfig: Path) -> Cluster:
        """Read a kubeconfig of one cluster and one user with a client certificate."""
        content = yaml.safe_load(kubeconfig.read_text())
        cluster, user = content["clusters"][0]["cluster"], content["users"][0]["user"]
        authority = cluster["certificate-authority"]
        return cls(kubeconfig.parent, cluster["server"], authority, user["client-certificate"], user["client-key"])

    def client_context(self) -> ssl.SSLContext:
        """Trust the cluster's authority, and nothing else."""
        return ssl.create_default_context(cafile=self.authority)


class Api:
    """Calls of an administrator. Everything but success raises `RefusedError`."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """Return one object."""
        return await self._call("GET", resource.path(namespace, name))

    async def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Return one object, or None when there is none."""
        try:
            return await self.get(resource, namespace, name)
        except RefusedError as error:
            if error.code == NOT_FOUND:
                return None
            raise

    async def list(self, resource: Resource, namespace: str = "") -> list[Object]:
        """Return all objects of a namespace, or of all."""
        return (await self._call("GET", resource.path(namespace)))["items"]

    async def create(self, resource: Resource, namespace: str, body: Object, subresource: str = "") -> Object:
        """Create an object, refusing fields that its kind doesn't have."""
        name = body["metadata"]["name"] if subresource else ""
        return await self._call("POST", resource.path(namespace, name, subresource), body)

    async def patch(
        self, resource: Resource, namespace: str, name: str, body: Object, *, subresource: str = "", how: str = "merge"
    ) -> Object:
        """Patch an object, or apply it as field manager ``tests``."""
        extra = {"fieldManager": "tests", "force": "true"} if how == "apply" else None
        path = resource.path(namespace, name, subresource)
        return await self._call("PATCH", path, body, content_type=_PATCHES[how], extra=extra)

    async def delete(self, resource: Resource, namespace: str, name: str, **options: object) -> None:
        """Delete an object; fine when there is none."""
        try:
            await self._call("DELETE", resource.path(namespace, name), options or None)
        except RefusedError as error:
            if error.code != NOT_FOUND:
                raise

    async def bookmark(self, resource: Resource, namespace: str) -> bytes:
        """Return the line of a watch that says up to which version all was seen."""
        parameters = {"watch": "true", "allowWatchBookmarks": "true", "sendInitialEvents": "true"}
        parameters["resourceVersionMatch"] = "NotOlderThan"
        async with self._session.get(resource.path(namespace), params=parameters) as answer:
            async for line in answer.content:
                if line.startswith(b'{"type":"BOOKMARK"'):
                    return line
        raise EOFError(f"no bookmark of {resource.plural}")

    async def raw(self, path: str) -> Object:
        """GET any path, for instance a group's discovery."""
        return await self._call("GET", path)

    async def _call(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        content_type: str = "application/json",
        extra: Mapping[str, str] | None = None,
    ) -> Object:
        parameters = {**({"fieldValidation": "Strict"} if method in ("POST", "PATCH") else {}), **(extra or {})}
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type, "Accept": "application/json"}
        async with self._session.request(method, path, params=parameters, data=data, headers=headers) as answer:
            content = await answer.read()
            # What isn't served, or not yet, is answered in plain text.
            whole = json.loads(content or b"{}") if answer.content_type == "application/json" else {}
            if answer.status >= 400:
                raise RefusedError(answer.status, whole or {"message": content.decode()})
            return whole


@asynccontextmanager
async def administrator(cluster: Cluster) -> AsyncGenerator[Api]:
    """Open a session as the kubeconfig's user."""
    context = cluster.client_context()
    context.load_cert_chain(cluster.certificate, cluster.key)
    connector = aiohttp.TCPConnector(ssl=context, limit=0)
    async with aiohttp.ClientSession(cluster.server, connector=connector, read_bufsize=BUFFER) as session:
        yield Api(session)


def policy_rules(rules: Iterable[Rule]) -> list[Object]:
    """Return rules as a Role has them."""
    return [{"apiGroups": [*r.api_groups], "resources": [*r.resources], "verbs": [*r.verbs]} for r in rules]


def write_kubeconfig(target: Path, server: str, authority: str, token_file: Path) -> None:
    """Write a kubeconfig of one user, who has a token."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority": authority}}],
        "users": [{"name": "controller", "user": {"tokenFile": str(token_file)}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "controller"}}],
        "current-context": "test",
    }
    target.write_text(yaml.safe_dump(content))


async def kinds_with(api: Api, rules: Iterable[Rule], verb: str) -> list[Resource]:
    """Return the kinds for which rules grant a verb, of those that are served."""
    found: set[Resource] = set()
    for rule in rules:
        if verb in rule.verbs:
            found |= {each for each in await _served(api, rule.api_groups[0]) if each.plural in rule.resources}
    return sorted(found)


async def _served(api: Api, group: str) -> list[Resource]:
    try:
        version = (await api.raw(f"/apis/{group}"))["preferredVersion"]["version"] if group else "v1"
    except RefusedError as error:
        if error.code == NOT_FOUND:
            return []
        raise
    root = f"/apis/{group}/{version}" if group else f"/api/{version}"
    return [Resource(group, version, each["name"]) for each in (await api.raw(root))["resources"]]
