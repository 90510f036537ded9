"""What a controller brings: its kinds, and the work itself."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from lightkube.core.resource import Resource

from controllers.runtime.cluster import Cluster
from controllers.runtime.keys import Key, KeyOf, own_key
from controllers.runtime.store import Store, metadata_of


@dataclass(frozen=True)
class Watch:
    """A kind that is cached, and whose changes say which keys to look at."""

    resource: type[Resource]
    key_of: KeyOf = own_key
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Narrow it down on the server."""
    keep: Callable[[Any], Any] | None = None
    """Returns what is cached of an object; ``None``: all of it."""
    index: Callable[[Any], Hashable | None] | None = None
    """What `Cluster.indexed` finds an object by. Objects of one index value concern each other: when one of them
    changes, all get a turn."""

    def keys(self, item: Resource, store: Store[Any]) -> Iterable[Key]:
        """Yield the keys to look at when ``item`` has changed."""
        if key := self.key_of(metadata_of(item)):
            yield key
        if self.index and self.key_of is own_key and (value := self.index(item)) is not None:
            yield from (own_key(metadata_of(peer)) for peer in store.indexed(value))


class Controller(ABC):
    """Keeps the objects that belong to the objects of one kind as they should be."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name that the API server knows it by: its field manager, its Lease, the source of its Events."""

    @property
    @abstractmethod
    def primary(self) -> Watch:
        """The kind it reconciles."""

    @property
    @abstractmethod
    def children(self) -> Sequence[Watch]:
        """What else to watch."""

    @abstractmethod
    async def reconcile(self, cluster: Cluster, key: Key) -> None:
        """Make what is what should be. It is idempotent, and raising means: try again later."""

    def routes(self, cluster: Cluster) -> Sequence[web.RouteDef]:  # noqa: ARG002  for those that have some
        """Return what else the HTTP endpoint answers."""
        return ()
