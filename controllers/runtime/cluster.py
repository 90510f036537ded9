"""The cluster as a reconcile sees it: caches to read from, a client to write with."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

import httpx2
from lightkube import ApiError, AsyncClient
from lightkube.core.resource import NamespacedResource, Resource

from controllers.runtime.keys import Key, own_key
from controllers.runtime.list_watch import Collection
from controllers.runtime.recorder import Recorder
from controllers.runtime.store import Store, metadata_of

NOT_FOUND, CONFLICT = 404, 409

R = TypeVar("R", bound=Resource)
N = TypeVar("N", bound=NamespacedResource)


class Cluster:
    """What a controller works with. Caches lag behind the cluster by as long as an event takes."""

    def __init__(
        self,
        controller: str,
        client: AsyncClient,
        http: httpx2.AsyncClient,
        stores: Mapping[type[Resource], Store[Any]],
        look_again: Callable[[Key, float], bool],
    ) -> None:
        self.controller = controller
        self.client = client
        self.events = Recorder(client, controller)
        self.look_again = look_again
        """Gives a key another turn after so many seconds, unless it gets one before; False while standing by."""
        self._http = http
        self._stores = stores

    def cached(self, resource: type[R], key: Key) -> R | None:
        """Return the object as the cache has it."""
        return self._stores[resource].get(key)

    def indexed(self, resource: type[R], value: Hashable) -> list[R]:
        """Return the objects that the kind's index finds under ``value``."""
        return self._stores[resource].indexed(value)

    async def create(self, item: N) -> N:
        """Create an object and take it into the cache; raises `lightkube.ApiError` 409 when its name is taken."""
        store, key = self._stores[type(item)], own_key(metadata_of(item))
        store.expect(key)
        try:
            created = await self.client.create(item)
        except BaseException:
            store.expect_no_longer(key)
            raise
        store.take_created(created)
        return created

    def wrote(self, item: Resource) -> None:
        """Take what a write returned into the cache, so that the next look doesn't write it again."""
        self._stores[type(item)].refresh(item)

    async def delete(self, item: NamespacedResource) -> None:
        """Delete exactly this object: not another one that has taken its name meanwhile."""
        metadata = metadata_of(item)
        key = own_key(metadata)
        path = f"{Collection(type(item), key.namespace, {}).path}/{key.name}"
        response = await self._http.request("DELETE", path, json={"preconditions": {"uid": metadata.uid}})
        if response.is_error and response.status_code not in (NOT_FOUND, CONFLICT):
            raise ApiError(request=response.request, response=response)
