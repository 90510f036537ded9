"""Reconciling one Website."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from lightkube import ApiError
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Pod

from controllers.runtime.children import ForeignObjectError, refusal
from controllers.runtime.cluster import Cluster
from controllers.runtime.controller import Controller, Watch
from controllers.runtime.keys import Key, key_of_controlling
from controllers.runtime.status import write_status
from controllers.website.children import KINDS, put_in_place
from controllers.website.model import Website, WebsiteResource
from controllers.website.names import CONTROLLER, INSTANCE_LABEL, KIND, MANAGED_BY_LABEL
from controllers.website.pod_trouble import kept, trouble_of
from controllers.website.pods import PodOptions
from controllers.website.reports import Reports
from controllers.website.status import Seen, Status, essence, failed_status, news, status_of

# Seconds that counts and messages of a status may be out of date: a hundred pods that start one after the other
# make one write in that time, not a hundred.
COUNTS_DELAY = 5.0
# Seconds before a new Website gets its first status: of many new ones, all have their children first, and pods that
# start quickly make one write of two.
FIRST_DELAY = 0.5


@dataclass(frozen=True)
class WebsiteController(Controller):
    """Keeps each Website's children as its spec says."""

    pods: PodOptions
    domain: str
    """DNS domain of the cluster."""
    _reports: Reports = field(default_factory=Reports)
    _due: dict[Key, float] = field(default_factory=dict[Key, float])
    """When a status is written that can wait: the first one, and one that differs by counts and messages only."""

    @property
    def name(self) -> str:
        """Return the field manager's name."""
        return CONTROLLER

    @property
    def primary(self) -> Watch:
        """Return the watch of Websites, which concern each other when they have one host."""
        return Watch(WebsiteResource, index=_host)

    @property
    def children(self) -> Sequence[Watch]:
        """Return the watches of the children, and of the pods of the Deployments."""
        key_of = key_of_controlling(KIND, INSTANCE_LABEL)
        labels = {MANAGED_BY_LABEL: CONTROLLER}
        pods = Watch(Pod, _website_of, labels, keep=kept, index=lambda pod: _website_of(pod.metadata))
        return [*(Watch(kind, key_of, labels) for kind in KINDS), pods]

    def routes(self, cluster: Cluster) -> Sequence[web.RouteDef]:
        """Return where git-sync reports commits to."""
        return self._reports.routes(cluster)

    async def reconcile(self, cluster: Cluster, key: Key) -> None:
        """Put the children of one Website in place and write its status if it has changed."""
        body = cluster.cached(WebsiteResource, key)
        website = Website.from_object(body) if body else None
        if website is None or website.deleting:
            # The garbage collector deletes the children.
            self._reports.forget(key)
            self._due.pop(key, None)
            return
        try:
            status = await self._put_in_place(cluster, website)
        except (ForeignObjectError, ApiError) as error:
            if why := refusal(error):
                await self._write(cluster, website, failed_status(website, *why, _now()))
            raise
        if self._is_worth_a_write(cluster, website, status):
            await self._write(cluster, website, status)

    async def _put_in_place(self, cluster: Cluster, website: Website) -> Status:
        seen = Seen(
            trouble=trouble_of(cluster.indexed(Pod, website.key)),
            commit=self._reports.commit(website.key, website.uid),
            rival=_older_rival(cluster, website),
        )
        deployment = await put_in_place(cluster, website, self.pods, publish=seen.rival is None)
        return status_of(website, deployment, seen, self.domain, _now())

    def _is_worth_a_write(self, cluster: Cluster, website: Website, status: Status) -> bool:
        """Tell whether ``status`` must be written now; one that can wait is looked at again later."""
        if status == website.status:
            self._due.pop(website.key, None)
            return False
        urgent = website.status and essence(status) != essence(website.status)
        now = time.monotonic()
        due = self._due.setdefault(website.key, now + (COUNTS_DELAY if website.status else FIRST_DELAY))
        if urgent or due <= now:
            return True
        cluster.look_again(website.key, due - now)
        return False

    async def _write(self, cluster: Cluster, website: Website, status: Status) -> None:
        self._due.pop(website.key, None)
        await write_status(cluster, website.body, status)
        if commit := status.get("commit"):
            self._reports.forget(website.key, commit)
        for told in news(website.status, status):
            await cluster.events.record(website.reference(), told.type, told.reason, told.note, "Reconcile")


def _host(body: Any) -> str | None:  # noqa: ANN401  a generic resource
    return body["spec"].get("host")


def _website_of(pod: ObjectMeta) -> Key:
    return Key(pod.namespace or "", (pod.labels or {}).get(INSTANCE_LABEL, ""))


def _older_rival(cluster: Cluster, website: Website) -> Website | None:
    if not website.host:
        return None
    same = map(Website.from_object, cluster.indexed(WebsiteResource, website.host))
    older = [other for other in same if other.seniority < website.seniority and not other.deleting]
    return min(older, key=lambda other: other.seniority) if older else None


def _now() -> datetime:
    return datetime.now(UTC)
