"""What every operation on a resource needs: the cluster, the settings, and the user's wish to stop."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from sandbox.provider.kubernetes import steering
from sandbox.provider.kubernetes.api import Api, ApiError, NoSuchKindError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.provider.kubernetes.settings import Settings
    from sandbox.provider.values import Properties


class Place(NamedTuple):
    """Where an object is, and the engine's id for it."""

    path: str
    object_id: str


class Session:
    """One configured provider. Connects when the first operation needs it: a preview without changes never does."""

    def __init__(self, settings: Settings, warn: Callable[[str], None]) -> None:
        self.settings = settings
        self.cancelled = threading.Event()
        self._warn = warn
        self._connecting = threading.Lock()
        self._connection: tuple[Api, str] | None = None

    @property
    def api(self) -> Api:
        """The cluster's API server."""
        return self._connected()[0]

    @property
    def namespace(self) -> str:
        """The namespace of objects that name none."""
        return self._connected()[1]

    def _connected(self) -> tuple[Api, str]:
        with self._connecting:
            if self._connection is None:
                http, namespace = self.settings.connect()
                self._connection = (Api(http, self._warn), namespace)
            return self._connection

    def place(self, body: Properties, name: str | None = None) -> Place:
        """Return where the object belongs; raises NoSuchKindError when nothing serves its kind."""
        resource = self.api.resource(body["apiVersion"], body["kind"])
        name = name or str(body["metadata"]["name"])
        namespace = str(body["metadata"].get("namespace") or self.namespace) if resource.namespaced else ""
        return Place(resource.path(name, namespace), f"{namespace}/{name}" if namespace else name)

    def find(self, path: str) -> Properties | None:
        """Return the live object, None if there is none."""
        try:
            return self.api.get(path)
        except NoSuchKindError:
            raise
        except ApiError as error:
            if error.code == 404:  # noqa: PLR2004 - HTTP's "not found"
                return None
            raise

    def force(self, body: Properties) -> bool:
        """Tell whether to take over fields that another manager owns."""
        return self.settings.force_conflicts or steering.is_true(body, steering.PATCH_FORCE)
