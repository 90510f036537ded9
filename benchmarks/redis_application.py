"""An application's client of Redis, by redis-py: ``benchmarks.redis`` runs it on a host of its own."""

import json
import os
import statistics
import sys
import time

from redis import Redis

_VALUE = "x" * 64
_KEYS = 100_000


def main(host: str, test: str, requests: int, pipeline: int) -> None:
    """Print requests a second of one connection that sends ``pipeline`` at once, and milliseconds until all answers."""
    password = os.environ["PASSWORD"]
    server = Redis(host, username="app" if password else None, password=password or None)
    seconds: list[float] = []
    for start in range(0, requests, pipeline):
        batch = server.pipeline(transaction=False)
        for number in range(start, start + pipeline):
            key = f"key:{number * 7919 % _KEYS}"
            batch.set(key, _VALUE) if test == "set" else batch.get(key)
        began = time.perf_counter()
        batch.execute()
        seconds.append(time.perf_counter() - began)
    percentiles = [1e3 * each for each in statistics.quantiles(seconds, n=100)]
    print(json.dumps({"rps": requests / sum(seconds), "p50": percentiles[49], "p99": percentiles[98]}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
