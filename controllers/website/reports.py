"""Which commits pods serve: git-sync tells, by a webhook, after every sync that changed something.

A report names its Website by namespace, name and UID. The UID is what makes it trustworthy: it is random, and known
only to those who may read the Website or its pods. git-sync repeats a report until it is answered by 200, and that is
done only when the commit stands in the Website's status: neither a restart nor a change of the leader loses one.
"""

import re
from collections.abc import Sequence
from typing import cast

from aiohttp import web
from lightkube.models.meta_v1 import ObjectMeta

from controllers.runtime.cluster import Cluster
from controllers.runtime.keys import Key
from controllers.website.model import WebsiteResource

HEADER = "Gitsync-Hash"
# SHA-1 or SHA-256, in full.
_HASH = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


class Reports:
    """Commits that were reported and don't stand in a status yet."""

    def __init__(self) -> None:
        self._commits: dict[Key, tuple[str, str]] = {}

    def commit(self, key: Key, uid: str) -> str | None:
        """Return the commit that was reported for this Website, if it isn't recorded yet."""
        reported, commit = self._commits.get(key, ("", ""))
        return commit if reported == uid else None

    def forget(self, key: Key, commit: str | None = None) -> None:
        """Forget a report that is recorded, or any of a Website that is gone."""
        if commit is None or self._commits.get(key, ("", ""))[1] == commit:
            self._commits.pop(key, None)

    def routes(self, cluster: Cluster) -> Sequence[web.RouteDef]:
        """Return the route of the webhook."""

        async def report(request: web.Request) -> web.Response:
            key = Key(request.match_info["namespace"], request.match_info["name"])
            return self._answer(cluster, key, request.match_info["uid"], request.headers.get(HEADER, ""))

        return [web.post("/synced/{namespace}/{name}/{uid}", report)]

    def _answer(self, cluster: Cluster, key: Key, uid: str, commit: str) -> web.Response:
        if not _HASH.fullmatch(commit):
            return web.Response(status=400, text=f"{HEADER} must be a commit in full\n")
        website = cluster.cached(WebsiteResource, key)
        metadata = website.metadata if website else None
        if not website or (metadata or ObjectMeta()).uid != uid:
            return web.Response(status=404, text="no such Website\n")
        status = cast("dict[str, object]", website.get("status", {}))
        if status.get("commit") == commit:
            return web.Response(text="recorded\n")
        if cluster.look_again(key, 0):
            self._commits[key] = (uid, commit)
        return web.Response(status=503, text="not recorded yet\n")
