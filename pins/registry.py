"""A client of image registries: the part of the OCI Distribution Specification 1.1 that reads tags and digests."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Self

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pins.reference import Reference

_SECONDS = 20
_MANIFESTS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)
_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_UNAUTHORIZED = 401
_NOT_FOUND = 404


class RegistryError(Exception):
    """A registry could not be asked, or has no such image; the message says which and why."""


class Registry:
    """Asks registries without an account, as anybody may for public images."""

    def __init__(self) -> None:
        """Open the client; close it by `with`."""
        self._http = httpx.Client(timeout=_SECONDS, follow_redirects=True)
        self._tokens: dict[str, str] = {}

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._http.close()

    def digest(self, image: Reference) -> str:
        """Return the digest of what a tag stands for, computed from the content that the registry sent.

        Raises:
            RegistryError: it could not be asked, has no such tag, or names another digest than it sent.

        """
        answer = self._get(image, f"{image.url}/manifests/{image.tag}", {"Accept": _MANIFESTS})
        computed = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
        named = answer.headers.get("docker-content-digest", computed)
        if named != computed:
            raise RegistryError(
                f"{image.registry} names {named} for {image.tag} of {image.repository}, sent {computed}"
            )
        return computed

    def tags(self, image: Reference) -> Iterator[str]:
        """Yield all tags of the image's repository.

        Raises:
            RegistryError: the registry could not be asked.

        """
        url: str | None = f"{image.url}/tags/list"
        while url:
            answer = self._get(image, url, {})
            yield from answer.json()["tags"] or ()
            following = answer.links.get("next", {}).get("url")
            url = str(answer.url.join(following)) if following else None

    def _get(self, image: Reference, url: str, headers: dict[str, str]) -> httpx.Response:
        try:
            answer = self._http.get(url, headers=headers | self._authorization(image))
            if answer.status_code == _UNAUTHORIZED:
                self._log_in(image, answer.headers.get("www-authenticate", ""))
                answer = self._http.get(url, headers=headers | self._authorization(image))
            if answer.status_code == _NOT_FOUND:
                raise RegistryError(f"{image.registry} has no {image.repository}:{image.tag}")
            return answer.raise_for_status()
        except httpx.HTTPError as error:
            raise RegistryError(f"{image.registry} can't be asked: {error}") from error

    def _authorization(self, image: Reference) -> dict[str, str]:
        token = self._tokens.get(image.url)
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _log_in(self, image: Reference, challenge: str) -> None:
        """Get the token that the registry asks for; it gives one for public images to anybody."""
        asked = dict(_PARAMETER.findall(challenge))
        if not challenge.lower().startswith("bearer ") or "realm" not in asked:
            raise RegistryError(f"{image.registry} asks for a log-in that needs an account: {challenge}")
        scope = asked.get("scope", f"repository:{image.repository}:pull")
        parameters = {"scope": scope, **({"service": asked["service"]} if "service" in asked else {})}
        answer = self._http.get(asked["realm"], params=parameters).raise_for_status().json()
        self._tokens[image.url] = answer.get("token") or answer["access_token"]
