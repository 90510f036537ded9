"""Tells a server of every commit that is published, as git-sync does with `--webhook-url` and its defaults."""

from __future__ import annotations

import threading
import time
import urllib.request
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Defaults of --webhook-timeout and --webhook-backoff.
_TIMEOUT_SECONDS = 1
_BACKOFF_SECONDS = 3
_HEADER = "Gitsync-Hash"


class Webhook:
    """Sends in the background, again and again until the server takes it; of several commits the newest is enough.

    Without a `url` nobody is told.
    """

    def __init__(self, url: str, say: Callable[[str], None]) -> None:
        self._url = url
        self._say = say
        self._commit = ""
        self._changed = threading.Event()
        if url:
            threading.Thread(target=self._run, daemon=True).start()

    def send(self, commit: str) -> None:
        """Have the commit sent."""
        self._commit = commit
        self._changed.set()

    def _run(self) -> None:
        sent = ""
        while True:
            self._changed.wait()
            self._changed.clear()
            while (commit := self._commit) != sent:
                try:
                    self._post(commit)
                    sent = commit
                except OSError as error:
                    self._say(f"{self._url} was not told of {commit}, trying again: {error}")
                    time.sleep(_BACKOFF_SECONDS)

    def _post(self, commit: str) -> None:
        request = urllib.request.Request(self._url, method="POST", headers={_HEADER: commit})  # noqa: S310 - checked by Options
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - the same
            if response.status != HTTPStatus.OK:
                raise OSError(f"it answered {response.status}, not 200")
