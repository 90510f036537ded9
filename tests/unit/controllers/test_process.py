from itertools import islice

from controllers.runtime.process import WatchBackoff, health_endpoint


def test_a_watch_never_gives_up_and_never_waits_long():
    backoff = WatchBackoff()
    first, second = list(islice(backoff, 10_000)), list(islice(backoff, 10_000))
    assert first == second  # every request starts from the beginning
    assert len(first) == 10_000
    assert max(first) <= 10
    assert first == sorted(first)


def test_port_0_is_any_free_port():
    assert health_endpoint("0.0.0.0:8080") == "http://0.0.0.0:8080/healthz"
    port = health_endpoint("127.0.0.1:0").removeprefix("http://127.0.0.1:").removesuffix("/healthz")
    assert int(port) > 1023
