"""Tells a person what is going on, on stderr: a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Generator

    from rich.status import Status

# A log that stays silent for longer than this looks like a hang.
_HEARTBEAT_SECONDS = 30.0


class Step:
    """One piece of work under way."""

    def __init__(self, console: Console, title: str, status: Status | None) -> None:
        self._console = console
        self._title = title
        self._status = status
        self._started = time.monotonic()
        self._last_line = self._started

    @property
    def elapsed(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self._started

    def detail(self, text: str) -> None:
        """Say how far the step has come; cheap enough to be called at every line of a tool's output."""
        if self._status is not None:
            self._status.update(Text(f"{self._title}: {text} ({self.elapsed:.0f} s)"))
        elif time.monotonic() - self._last_line > _HEARTBEAT_SECONDS:
            self._last_line = time.monotonic()
            self._console.print(Text(f"  … {text} ({self.elapsed:.0f} s)"))


class Progress:
    """Where steps and notes are shown; `quiet` shows nothing, for tests."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)

    def note(self, text: str) -> None:
        """Say one thing in one line."""
        self.console.print(Text(f"  {text}"))

    def failure(self, text: str) -> None:
        """Say why nothing more will happen."""
        self.console.print(Text.assemble(("✗ ", "red"), text))

    @contextmanager
    def step(self, title: str) -> Generator[Step]:
        """Show `title` while the block runs, then how long it took; failures are reported elsewhere."""
        if self.console.is_terminal:
            with self.console.status(Text(title), spinner="dots") as status:
                step = Step(self.console, title, status)
                yield step
        else:
            self.console.print(Text(f"  {title} …"))
            step = Step(self.console, title, None)
            yield step
        self.console.print(Text(f"✓ {title} ({step.elapsed:.1f} s)"))
