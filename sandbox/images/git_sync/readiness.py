"""git-sync's HTTP endpoint: 503 before the first sync, 200 ever after, whatever the path."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sandbox.images.git_sync.options import OptionError


class Readiness:
    """Whether the first sync is done."""

    def __init__(self) -> None:
        self._done = threading.Event()

    def set(self) -> None:
        """Answer 200 from now on."""
        self._done.set()

    def serve(self, address: str) -> None:
        """Answer on `address`, which is `host:port` or `:port`, as long as the process lives."""
        host, _, port = address.rpartition(":")
        if not port.isdigit():
            raise OptionError(f"argument --http-bind: {address!r} is neither host:port nor :port")
        server = _server(host.strip("[]"), int(port), self._done)
        threading.Thread(target=server.serve_forever, daemon=True).start()


def _server(host: str, port: int, done: threading.Event) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if done.is_set() else 503)
            self.end_headers()
            if not done.is_set():
                self.wfile.write(b"repo is not ready\n")

        def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
            """Say nothing: probes come every few seconds."""

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    return Server((host, port), Handler)
