"""The loop: sync, wait, sync again, until too many syncs in a row have failed or SIGTERM comes."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, NoReturn

from sandbox.images.git_sync.git import GitError
from sandbox.images.git_sync.options import OptionError, parse
from sandbox.images.git_sync.readiness import Readiness
from sandbox.images.git_sync.repository import Repository
from sandbox.images.git_sync.webhook import Webhook

if TYPE_CHECKING:
    from types import FrameType

    from sandbox.images.git_sync.options import Options


def main() -> int:
    """Return the exit code."""
    # Process 1 of a container ignores the signal unless it handles it.
    signal.signal(signal.SIGTERM, _leave)
    os.umask(0o022)
    try:
        options = parse(sys.argv[1:], os.environ)
        readiness = Readiness()
        if options.http_bind:
            readiness.serve(options.http_bind)
    except OptionError as error:
        _say(f"git-sync: {error}")
        return 1
    repository = Repository(options)
    try:
        return _loop(options, repository, readiness)
    finally:
        repository.close()


def _loop(options: Options, repository: Repository, readiness: Readiness) -> int:
    failures, last = 0, ""
    webhook = Webhook(options.webhook_url, _say)
    while True:
        try:
            commit = repository.sync()
        except (GitError, OSError) as error:
            failures += 1
            _say(f"sync of {options.repo} failed, {failures} in a row: {error}")
            if 0 <= options.max_failures <= failures:
                return 1
        else:
            failures = 0
            readiness.set()
            if commit != last:
                _say(f"{options.link} is {options.ref} of {options.repo}: {commit}")
                webhook.send(commit)
            if options.one_time:
                return 0
            last = commit
            if commit == options.ref:
                _wait_for_ever()
        time.sleep(options.period)


def _wait_for_ever() -> NoReturn:
    """Sync no more: what a hash names never changes."""
    while True:
        signal.pause()


def _leave(number: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - the signature of a signal handler
    """End at once; the running git is killed."""
    sys.exit(0)


def _say(text: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
