"""The synced folder: a repository, one worktree for the commit in use, and the link that names it.

Nobody who follows the link ever sees half a commit: a worktree is complete before the link is swapped, by renaming.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from sandbox.images.git_sync.git import Git, GitError

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.images.git_sync.options import Options

_WORKTREES = ".worktrees"
# As git-sync calls it: in the root, so not in a worktree.
_NEW_LINK = "tmp-link"


class Repository:
    """The folder `options.root`, all of which belongs to it: what isn't a sound repository is emptied."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._git = Git(options)
        self._root = options.root
        self._worktrees = options.root / _WORKTREES

    def sync(self) -> str:
        """Fetch, publish the commit if it is new, and return its hash. Raises `GitError` or `OSError`."""
        self._root.mkdir(parents=True, exist_ok=True)
        self._git.log_in()
        if not self._sound():
            self._make()
        self._git.run(self._root, "fetch", "--no-progress", "--no-auto-gc", "--depth=1", "--", *self._source())
        commit = self._git.run(self._root, "rev-parse", "FETCH_HEAD^{commit}")
        if self._published() != commit:
            self._publish(self._checked_out(commit))
            self._tidy(commit)
        return commit

    def close(self) -> None:
        """Forget the credentials."""
        self._git.log_out()

    def _source(self) -> tuple[str, str]:
        return self._options.repo, self._options.ref

    def _sound(self) -> bool:
        if not any(self._root.iterdir()) or (self._root / ".git" / "shallow.lock").exists():
            return False
        try:
            self._git.run(self._root, "fsck", "--no-progress", "--connectivity-only")
            return self._git.run(self._root, "rev-parse", "--show-toplevel") == str(self._root)
        except GitError:
            return False

    def _make(self) -> None:
        # The folder itself is a mounted volume and stays.
        for path in self._root.iterdir():
            _remove(path)
        self._git.run(self._root, "init", "--quiet", "--initial-branch=git-sync")

    def _published(self) -> str | None:
        """Return the commit that the link names, if its worktree is what it should be."""
        if not self._options.link.is_symlink():
            return None
        worktree = self._worktrees / self._options.link.readlink().name
        try:
            head = self._git.run(worktree, "rev-parse", "HEAD")
        except (GitError, OSError):
            return None
        return head if head == worktree.name else None

    def _checked_out(self, commit: str) -> Path:
        """Return a complete worktree of `commit`."""
        worktree = self._worktrees / commit
        # An attempt that was cut off may have left one.
        _remove(worktree)
        self._git.run(self._root, "worktree", "prune")
        self._git.run(self._root, "reset", "--quiet", "--soft", commit)
        self._git.run(self._root, "worktree", "add", "--force", "--detach", "--no-checkout", str(worktree), commit)
        # Relative, since other containers mount the volume elsewhere.
        (worktree / ".git").write_text(f"gitdir: ../../.git/worktrees/{commit}\n")
        self._git.run(worktree, "reset", "--quiet", "--hard", commit, "--")
        if (worktree / ".gitmodules").exists():
            raise GitError(f"commit {commit} has submodules, which are not supported here")
        return worktree

    def _publish(self, worktree: Path) -> None:
        link = self._options.link
        link.parent.mkdir(parents=True, exist_ok=True)
        new = link.parent / _NEW_LINK
        new.unlink(missing_ok=True)
        # Relative, for the same reason.
        new.symlink_to(os.path.relpath(worktree, link.parent))
        new.replace(link)

    def _tidy(self, commit: str) -> None:
        for worktree in self._worktrees.iterdir():
            if worktree.name != commit:
                _remove(worktree)
        self._git.run(self._root, "worktree", "prune")
        self._git.run(self._root, "reflog", "expire", "--expire-unreachable=all", "--all")
        self._git.run(self._root, "gc", "--quiet")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
