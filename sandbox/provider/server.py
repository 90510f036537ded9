"""Runs a provider as a Pulumi plugin process: prints its port, serves, ends with the engine that started it."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

if TYPE_CHECKING:
    from pulumi.runtime.proto.provider_pb2_grpc import ResourceProviderServicer

THREADS: Final = 256
"""An await may hold a thread for minutes. Threads are made on demand, so an idle plugin has a handful."""
MAX_MESSAGE_BYTES: Final = 400 * 1024 * 1024
"""The engine's own limit."""
PARENT_CHECK_SECONDS: Final = 0.5


def serve(servicer: ResourceProviderServicer) -> None:
    """Serve until the engine ends the process or dies itself. Listens on loopback only."""
    # Errors reach the engine as statuses; on the terminal they would stand twice.
    logging.getLogger("grpc").setLevel(logging.CRITICAL)
    # The engine ends a plugin by SIGINT, once nothing is asked of it any more. Ctrl-C isn't that: the plugin has a
    # process group of its own, and learns of it as Cancel.
    signal.signal(signal.SIGINT, _end)
    signal.signal(signal.SIGTERM, _end)
    parent = os.getppid()
    server = grpc.server(
        ThreadPoolExecutor(THREADS),
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ],
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    never = threading.Event()
    while os.getppid() == parent:
        never.wait(PARENT_CHECK_SECONDS)
    _end()  # the engine was killed: awaits in flight have no one left to answer


def _end(*_: object) -> None:
    os._exit(0)  # without waiting for the threads, some of which may be in an await
