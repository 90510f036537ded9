"""The engine's side of the protocol: what a plugin may tell the user while it works."""

from __future__ import annotations

import threading

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class Engine:
    """Tells the user each thing once."""

    def __init__(self, address: str) -> None:
        """Speak to the engine at that address, `host:port`."""
        self._address = address
        self._told: set[str] = set()
        self._lock = threading.Lock()

    def warn(self, message: str) -> None:
        """Show a warning among the update's diagnostics."""
        with self._lock:
            if message in self._told:
                return
            self._told.add(message)
        with grpc.insecure_channel(self._address) as channel:
            request = engine_pb2.LogRequest(severity=engine_pb2.LogSeverity.WARNING, message=message)
            engine_pb2_grpc.EngineStub(channel).Log(request)
