"""The cache of one kind: what its watch has shown, small enough for ten thousands of objects."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from typing import Generic, NamedTuple, TypeVar, cast

import msgspec
from lightkube.core import decoders
from lightkube.core.resource import Resource, api_info
from lightkube.models.meta_v1 import ObjectMeta

from controllers.runtime.keys import Key, own_key
from controllers.runtime.metrics import CACHED_OBJECTS

R = TypeVar("R", bound=Resource)


def metadata_of(item: Resource) -> ObjectMeta:
    """Return the metadata, which every kind has though lightkube's common base class doesn't declare it."""
    return cast("ObjectMeta", getattr(item, "metadata"))  # noqa: B009  see above


class _Entry(NamedTuple):
    version: int
    content: bytes


class Store(Generic[R]):
    """Objects by their keys, kept as JSON, since decoded ones take several times the memory.

    ``keep`` returns what is kept of an object beside what every store leaves out, ``managedFields``.
    ``index`` returns what `indexed` finds an object by; ``None`` for nothing.
    """

    def __init__(
        self,
        resource: type[R],
        *,
        keep: Callable[[R], R] | None = None,
        index: Callable[[R], Hashable | None] | None = None,
    ) -> None:
        self.resource = resource
        self._keep = keep
        self._index = index
        self._entries: dict[Key, _Entry] = {}
        self._expected: set[Key] = set()
        self._indexed: defaultdict[Hashable, set[Key]] = defaultdict(set)
        CACHED_OBJECTS.labels(api_info(resource).plural).set_function(lambda: len(self._entries))

    def decode(self, raw: bytes | msgspec.Raw) -> R:
        """Decode one object of this kind, without its ``managedFields``."""
        item = self._decoded(raw)
        _strip(item)
        return item

    def _decoded(self, raw: bytes | msgspec.Raw) -> R:
        return cast("R", decoders.decode_object(cast("bytes", raw), self.resource))

    def get(self, key: Key) -> R | None:
        """Return a copy of the object."""
        entry = self._entries.get(key)
        return self._decoded(entry.content) if entry else None

    def __iter__(self) -> Iterator[Key]:
        """Return the keys of all objects, as they are now."""
        return iter(tuple(self._entries))

    def indexed(self, value: Hashable) -> list[R]:
        """Return the objects whose index is ``value``."""
        found = (self.get(key) for key in sorted(self._indexed.get(value, ())))
        return [item for item in found if item is not None]

    def put(self, item: R, *, force: bool = False) -> list[R]:
        """Keep ``item`` unless a newer version of it is there, and return it and what was there before.

        Nothing is returned when what is kept didn't change. ``force`` is for listings: a restored etcd counts from
        an earlier version on.
        """
        metadata = metadata_of(item)
        key, version = own_key(metadata), int(metadata.resourceVersion or 0)
        entry = self._entries.get(key)
        if entry and entry.version >= version and not force:
            return []
        kept = self._keep(item) if self._keep else item
        content = msgspec.json.encode(kept)
        if entry and entry.content == content:
            self._entries[key] = _Entry(version, content)
            return []
        old = self._remove(key)
        self._entries[key] = _Entry(version, content)
        if self._index and (value := self._index(kept)) is not None:
            self._indexed[value].add(key)
        return [kept] if old is None else [old, kept]

    def refresh(self, item: R) -> None:
        """Put what a write returned, if the object is still known: its deletion may have been seen meanwhile."""
        if own_key(metadata_of(item)) in self._entries:
            self._take(item)

    def expect(self, key: Key) -> None:
        """Say that an object is being created, so that it isn't kept when its deletion was seen before the answer."""
        self._expected.add(key)

    def expect_no_longer(self, key: Key) -> None:
        """Say that it wasn't created after all."""
        self._expected.discard(key)

    def take_created(self, item: R) -> None:
        """Put what was created: a look before its event came would find nothing."""
        key = own_key(metadata_of(item))
        if key in self._expected:
            self._expected.discard(key)
            self._take(item)

    def _take(self, item: R) -> None:
        _strip(item)
        self.put(item)

    def drop(self, key: Key) -> R | None:
        """Forget an object, which is gone, and return it."""
        self._expected.discard(key)
        return self._remove(key)

    def _remove(self, key: Key) -> R | None:
        old = self.get(key)
        if old is None:
            return None
        del self._entries[key]
        if self._index and (value := self._index(old)) is not None:
            self._indexed[value].discard(key)
            if not self._indexed[value]:
                del self._indexed[value]
        return old


def _strip(item: Resource) -> None:
    """Take away what no store keeps: ``managedFields`` are half of many an object."""
    if isinstance(item, dict):  # of a kind that lightkube knows no model of
        cast("dict[str, dict[str, object]]", item)["metadata"].pop("managedFields", None)
    else:
        metadata_of(item).managedFields = None
