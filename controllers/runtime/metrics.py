"""What every controller measures; Prometheus reads it from ``/metrics``."""

from prometheus_client import Counter, Gauge, Histogram

QUEUE_DEPTH = Gauge("controller_queue_depth", "Keys that wait for a worker.")
RECONCILE_SECONDS = Histogram(
    "controller_reconcile_seconds",
    "Seconds that one reconcile took.",
    # From one that finds nothing to do to one that waits for an API server under load.
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
RECONCILE_ERRORS = Counter("controller_reconcile_errors", "Reconciles that failed and are tried again.")
API_CALLS = Counter(
    "controller_api_calls",
    "Requests to the API server; code is that of the answer, or the error's name when there was none.",
    ("verb", "resource", "code"),
)
CACHED_OBJECTS = Gauge("controller_cached_objects", "Objects in the cache.", ("resource",))
LISTINGS = Counter("controller_listings", "Listings of a whole kind: at the start, and after a 410.", ("resource",))
LEADER = Gauge("controller_leader", "1 while this process may write, 0 while it stands by.")
