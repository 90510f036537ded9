"""What crdwatch logs of Samples, on a real API server."""

import signal


def test_what_happens_to_samples_is_logged_in_order(lab):
    lab.create("somedata", 123)
    lab.start()
    lab.wait_told(("added", "somedata", 123))
    lab.change("somedata", 124)
    lab.create("other", 1)
    lab.delete("somedata")
    lab.wait_told(
        ("added", "somedata", 123), ("modified", "somedata", 124), ("added", "other", 1), ("deleted", "somedata", 124)
    )
    assert lab.stop(signal.SIGTERM) == 0
