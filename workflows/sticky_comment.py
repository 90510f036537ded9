"""One comment of a pull request that each run writes anew, so that a long discussion isn't filled with reports."""

from __future__ import annotations

import json
import os
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAGE = 100
_SECONDS = 30


def put_comment(number: int, marker: str, body: str) -> None:
    """Write `body` into our comment with `marker` of the pull request `number`, and make it where there is none.

    Takes `$GITHUB_REPOSITORY`, `$GITHUB_TOKEN` and `$GITHUB_API_URL` as a workflow has them.

    Raises:
        urllib.error.HTTPError: the API refused.

    """
    tag = f"<!-- platform: {marker} -->"
    comments = f"/repos/{os.environ['GITHUB_REPOSITORY']}/issues"
    own = next((each for each in _comments(f"{comments}/{number}/comments") if each["body"].startswith(tag)), None)
    content = {"body": f"{tag}\n{body}"}
    if own:
        _call("PATCH", f"{comments}/comments/{own['id']}", content)
    else:
        _call("POST", f"{comments}/{number}/comments", content)


def _comments(path: str) -> Iterator[dict[str, Any]]:
    page = 1
    while True:
        found: list[dict[str, Any]] = _call("GET", f"{path}?per_page={_PAGE}&page={page}")
        # Anybody may write a marker; only what Actions wrote is ours to edit.
        yield from (each for each in found if each["user"]["login"] == "github-actions[bot]")
        if len(found) < _PAGE:
            return
        page += 1


def _call(method: str, path: str, content: dict[str, str] | None = None) -> Any:  # noqa: ANN401 - JSON
    request = urllib.request.Request(  # noqa: S310 - the address is GitHub's own
        os.environ.get("GITHUB_API_URL", "https://api.github.com") + path,
        method=method,
        data=json.dumps(content).encode() if content else None,
        headers={
            "Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}",
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - as above
        return json.load(answer)
