"""An image's name, taken apart as registries need it."""

from __future__ import annotations

from dataclasses import dataclass

# The name that people write, and the host that answers.
_HOSTS = {"docker.io": "registry-1.docker.io"}
_LOCAL = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class Reference:
    """Registry, repository and tag of an image."""

    registry: str
    repository: str
    tag: str

    @classmethod
    def parse(cls, image: str) -> Reference:
        """Return the parts of ``registry/repository:tag``.

        Raises:
            ValueError: registry or tag is missing, which registries' clients would guess.

        """
        path, _, tag = image.partition("@")[0].rpartition(":")
        registry, _, repository = path.partition("/")
        if not repository or "/" in tag or not ("." in registry or ":" in registry or registry == "localhost"):
            raise ValueError(f"{image!r} is no image of the form registry/repository:tag")
        return cls(registry, repository, tag)

    @property
    def url(self) -> str:
        """The repository's address in the registry's API; only this machine's own may do without TLS."""
        host = _HOSTS.get(self.registry, self.registry)
        scheme = "http" if host.partition(":")[0] in _LOCAL else "https"
        return f"{scheme}://{host}/v2/{self.repository}"
