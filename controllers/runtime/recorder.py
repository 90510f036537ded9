"""Events of events.k8s.io/v1 about an object, for people who ask ``kubectl describe``."""

import hashlib
import logging
import socket
from collections import OrderedDict
from datetime import UTC, datetime
from typing import Literal

import httpx2
from lightkube import ApiError, AsyncClient
from lightkube.models.core_v1 import ObjectReference
from lightkube.models.events_v1 import EventSeries
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.events_v1 import Event

from controllers.runtime.api_calls import NotLeadingError

CONFLICT = 409
# Characters of a note (apiserver, pkg/apis/core/validation: NoteLengthLimit).
LONGEST_NOTE = 1024
# Events whose repetitions are counted; the API server forgets them after an hour anyway.
REMEMBERED = 1000

Type = Literal["Normal", "Warning"]

logger = logging.getLogger(__name__)


class Recorder:
    """Writes Events. The same reason and note about the same object are one Event with a count."""

    def __init__(self, client: AsyncClient, controller: str) -> None:
        self._client = client
        self._controller = controller
        self._counts: OrderedDict[str, int] = OrderedDict()

    async def record(self, regarding: ObjectReference, type_: Type, reason: str, note: str, action: str) -> None:
        """Tell people about ``regarding``. An Event that can't be written is logged and given up."""
        digest = hashlib.sha256(f"{regarding.uid}/{reason}/{note}".encode()).hexdigest()[:16]
        name = f"{regarding.name}.{digest}"
        now = _now()
        count = self._counts[name] = self._counts.get(name, 0) + 1
        self._counts.move_to_end(name)
        if len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)
        event = Event(
            metadata=ObjectMeta(name=name, namespace=regarding.namespace),
            eventTime=now,
            type=type_,
            reason=reason,
            note=note[:LONGEST_NOTE],
            action=action,
            regarding=regarding,
            reportingController=self._controller,
            reportingInstance=socket.gethostname(),
        )
        try:
            await self._write(event, count)
        except (httpx2.HTTPError, NotLeadingError) as error:
            logger.warning("can't record that %s %s: %s", regarding.name, reason, error)

    async def _write(self, event: Event, count: int) -> None:
        try:
            await self._client.create(event)
        except ApiError as error:
            if error.status.code != CONFLICT or not event.metadata:
                raise
            # 2 at least: a process that was restarted doesn't know of the first.
            series = EventSeries(count=max(count, 2), lastObservedTime=_now())
            change: dict[str, object] = {"series": series.to_dict()}
            await self._client.patch(Event, event.metadata.name or "", change, namespace=event.metadata.namespace)


def _now() -> datetime:
    now = datetime.now(UTC)
    # The API server demands six decimals, which aren't written out for a whole second.
    return now.replace(microsecond=max(now.microsecond, 1))
