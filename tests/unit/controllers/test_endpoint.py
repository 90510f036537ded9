import asyncio

import httpx2
import pytest

from controllers.runtime.endpoint import endpoint
from controllers.runtime.informer import LONGEST_PAUSE, LONGEST_RETRY_AFTER, pause
from controllers.runtime.metrics import RECONCILE_ERRORS


def answers(alive, ready, *paths):
    async def scenario():
        async with (
            endpoint("127.0.0.1:0", alive=lambda: alive, ready=lambda: ready) as port,
            httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
        ):
            return [await http.get(path) for path in paths]

    return asyncio.run(scenario())


def test_health_and_readiness_are_told_apart_and_say_what_is_wrong():
    alive, ready = answers(None, "waiting for services", "/healthz", "/readyz")
    assert (alive.status_code, alive.text) == (200, "ok")
    assert (ready.status_code, ready.text) == (503, "waiting for services")


def test_metrics_are_answered_as_prometheus_reads_them():
    RECONCILE_ERRORS.inc(0)
    (metrics,) = answers(None, None, "/metrics")
    assert metrics.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    for name in (
        "controller_queue_depth",
        "controller_reconcile_seconds_bucket",
        "controller_reconcile_errors_total",
        "controller_leader",
    ):
        assert f"\n{name}" in metrics.text


@pytest.mark.parametrize(
    ("failures", "asked", "seconds"),
    [
        (1, None, 0.5),
        (2, None, 1.0),
        (50, None, LONGEST_PAUSE),
        (1, 30.0, 30.0),
        (1, 0.0, 1.0),
        (9, 1e6, LONGEST_RETRY_AFTER),
    ],
)
def test_an_api_server_that_asks_for_patience_is_heard_within_reason(failures, asked, seconds):
    assert pause(failures, asked) == seconds
