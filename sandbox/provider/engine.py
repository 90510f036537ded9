"""The engine's side of the protocol: what a plugin may tell the user while it works."""

from __future__ import annotations

import contextlib
import threading
from typing import Final

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

_LOG_SECONDS: Final = 5


class Engine:
    """Tells the user each thing once."""

    def __init__(self, address: str) -> None:
        """Speak to the engine at that address, `host:port`."""
        self._address = address
        self._told: set[str] = set()
        self._lock = threading.Lock()

    def warn(self, message: str) -> None:
        """Show a warning among the update's diagnostics; nothing fails because nobody hears it."""
        with self._lock:
            if message in self._told:
                return
            self._told.add(message)
        request = engine_pb2.LogRequest(severity=engine_pb2.LogSeverity.WARNING, message=message)
        with contextlib.suppress(grpc.RpcError), grpc.insecure_channel(self._address) as channel:
            engine_pb2_grpc.EngineStub(channel).Log(request, timeout=_LOG_SECONDS)
