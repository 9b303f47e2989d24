"""What the door to a shop over HTTP counts, by upstream."""

from prometheus_client import Counter, Gauge, Histogram

from groundwork.metrics import REQUEST_SECONDS_BUCKETS

ORIGIN_REQUESTS = Counter(
    "onsale_origin_requests_total",
    "Attempts to have a request answered by an upstream that ended, by outcome: answered, failed, "
    "abandoned (the fan left, or the body was refused).",
    ["upstream", "outcome"],
)
ORIGIN_FAILURES = Counter(
    "onsale_origin_failures_total",
    "Attempts that failed, by reason: connect, silent, broke_off, garbled, bad_gateway.",
    ["upstream", "reason"],
)
ORIGIN_RETRIES = Counter(
    "onsale_origin_retries_total",
    "Requests that failed at one upstream and could go to another, by outcome: made, no_budget, "
    "nobody_left.",
    ["outcome"],
)
ORIGIN_OUTSTANDING = Gauge(
    "onsale_origin_outstanding",
    "Requests under way at an upstream, streams among them.",
    ["upstream"],
    multiprocess_mode="livesum",
)
# The worst of the living processes: each finds out for itself.
ORIGIN_CIRCUIT = Gauge(
    "onsale_origin_circuit",
    "State of an upstream's circuit: 0 closed, 1 half-open, 2 open, -1 it has left. The worst over "
    "all processes.",
    ["upstream"],
    multiprocess_mode="livemax",
)
ORIGIN_HEALTHY = Gauge(
    "onsale_origin_healthy",
    "1 while an upstream passes its checks. The worst over all processes.",
    ["upstream"],
    multiprocess_mode="livemin",
)
ORIGIN_GARBLED = Gauge(
    "onsale_origin_garbled",
    "1 while no answer of an upstream could be read since one that could not. The worst over all "
    "processes.",
    ["upstream"],
    multiprocess_mode="livemax",
)
ORIGIN_SECONDS = Histogram(
    "onsale_origin_seconds",
    "Time from sending a request to an upstream to the head of its answer.",
    ["upstream"],
    buckets=REQUEST_SECONDS_BUCKETS,
)

# What a circuit shows whose upstream has left.
CIRCUIT_GONE = -1
OUTCOMES = ("answered", "failed", "abandoned")
REASONS = ("connect", "silent", "broke_off", "garbled", "bad_gateway")

for _outcome in ("made", "no_budget", "nobody_left"):
    ORIGIN_RETRIES.labels(_outcome)
