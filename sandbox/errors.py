"""What the sandbox raises when it can't go on."""

from __future__ import annotations


class SandboxError(Exception):
    """Something a person must settle.

    The text says what happened and what to do; it is shown without a traceback.
    """
