"""Leader election by a Lease, so that of several replicas one writes.

The rules are those of client-go's ``leaderelection``: a candidate takes the Lease over when it has seen no renewal
for as long as the Lease says, by its own clock; a leader that can't renew stops being one before that.
"""

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx2
from lightkube import ApiError, AsyncClient
from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.coordination_v1 import Lease

from controllers.runtime.metrics import LEADER

NOT_FOUND, CONFLICT = 404, 409

logger = logging.getLogger(__name__)


class LeadershipLostError(Exception):
    """The Lease couldn't be renewed in time; the process must end, since another one may lead by now."""


@dataclass(frozen=True)
class Timing:
    """Seconds; the defaults are those of Kubernetes' own controllers (component-base, config/v1alpha1)."""

    lease: float = 15.0
    """How long the others wait for a renewal."""
    renew: float = 10.0
    """How long after its last renewal the leader may write. The rest is for writes that are under way."""
    retry: float = 2.0
    """Between two tries to renew, or to take over."""


def new_identity() -> str:
    """Return a name for this process: the host's, which is the pod's, and a random end."""
    return f"{socket.gethostname()}_{os.getpid()}_{secrets.token_hex(4)}"


class Leadership:
    """What this process knows of its Lease. ``clock`` must go on while the process is stopped."""

    def __init__(
        self,
        client: AsyncClient,
        name: str,
        namespace: str,
        *,
        identity: str,
        timing: Timing,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._name = name
        self._namespace = namespace
        self._identity = identity
        self._timing = timing
        self._clock = clock
        self._valid_until = clock()
        self._seen: tuple[str | None, datetime | None] | None = None
        self._seen_at = 0.0
        LEADER.set(0)

    def held(self) -> bool:
        """Tell whether this process may write now."""
        return self._clock() < self._valid_until

    async def acquire(self) -> None:
        """Wait until this process leads."""
        while not await self._try():  # noqa: ASYNC110  it asks another machine
            await asyncio.sleep(self._timing.retry)
        LEADER.set(1)
        logger.info("leading as %s", self._identity)

    async def keep(self) -> None:
        """Renew for ever; raises `LeadershipLostError` when that failed for too long, or the process was stopped."""
        while True:
            await asyncio.sleep(self._timing.retry)
            # Not even tried again: what was under way when it was lost must not go on as if nothing had been.
            if not self.held():
                LEADER.set(0)
                raise LeadershipLostError(f"Lease {self._namespace}/{self._name} was not renewed in time")
            await self._try()

    async def release(self) -> None:
        """Give the Lease back, so that another one need not wait for its end."""
        if not self.held():
            return
        self._valid_until = self._clock()
        LEADER.set(0)
        try:
            lease = await self._client.get(Lease, self._name, namespace=self._namespace)
            if lease.spec and lease.spec.holderIdentity == self._identity:
                lease.spec.holderIdentity = ""
                lease.spec.leaseDurationSeconds = 1  # 0 is refused
                await self._client.replace(lease)
        except httpx2.HTTPError as error:
            logger.warning("can't release the Lease: %s", error)

    async def _try(self) -> bool:
        """Renew the Lease or take it over, and return whether that succeeded."""
        started = self._clock()
        try:
            async with asyncio.timeout(self._timing.renew):
                taken = await self._take()
        except (httpx2.HTTPError, TimeoutError) as error:
            conflict = isinstance(error, ApiError) and error.status.code == CONFLICT
            log = logger.debug if conflict else logger.warning
            log("can't take the Lease %s/%s: %s", self._namespace, self._name, str(error) or type(error).__name__)
            return False
        if taken:
            self._valid_until = started + self._timing.renew
        return taken

    async def _take(self) -> bool:
        lease = await self._find()
        if lease is None:
            meta = ObjectMeta(name=self._name, namespace=self._namespace)
            await self._client.create(Lease(metadata=meta, spec=self._claim(LeaseSpec())))
            return True
        spec = lease.spec or LeaseSpec()
        if self._is_others(spec):
            return False
        lease.spec = self._claim(spec)
        # With the version that was read: of two who try, the API server refuses one.
        await self._client.replace(lease)
        return True

    async def _find(self) -> Lease | None:
        try:
            return await self._client.get(Lease, self._name, namespace=self._namespace)
        except ApiError as error:
            if error.status.code == NOT_FOUND:
                return None
            raise

    def _is_others(self, spec: LeaseSpec) -> bool:
        if not spec.holderIdentity or spec.holderIdentity == self._identity:
            return False
        seen = (spec.holderIdentity, spec.renewTime)
        if seen != self._seen:
            self._seen, self._seen_at = seen, self._clock()
        return self._clock() < self._seen_at + (spec.leaseDurationSeconds or self._timing.lease)

    def _claim(self, spec: LeaseSpec) -> LeaseSpec:
        now = _now()
        mine = spec.holderIdentity == self._identity
        return LeaseSpec(
            holderIdentity=self._identity,
            leaseDurationSeconds=max(1, round(self._timing.lease)),
            renewTime=now,
            acquireTime=spec.acquireTime if mine else now,
            leaseTransitions=(spec.leaseTransitions or 0) + (0 if mine else 1),
        )


def _now() -> datetime:
    now = datetime.now(UTC)
    # The API server demands six decimals, which aren't written out for a whole second.
    return now.replace(microsecond=max(now.microsecond, 1))
