"""The row of the servers of a shop that is reached over HTTP; empty while the shop is in the gateway."""

from dashboards.panel import Panel, graph, per_second, quantile, stat

# Servers that have left are -1: they are nobody's worry.
CIRCUIT = "max by (upstream) (onsale_origin_circuit) >= 0"
UNHEALTHY = "1 - min by (upstream) (onsale_origin_healthy)"

SERVERS: list[Panel] = [
    stat(
        "Servers in use",
        "Servers of the shop that every gateway process sends requests to.",
        "none",
        "sum(max by (upstream) (onsale_origin_circuit) == bool 0)",
    ),
    stat(
        "Servers resting",
        "Servers that failed several times in a row at some process, and are tried once in a while.",
        "none",
        f"sum(({CIRCUIT}) > bool 0)",
        warn=1,
    ),
    stat(
        "Servers that fail their checks",
        "They get no requests, unless all fail them.",
        "none",
        f"sum({UNHEALTHY})",
        warn=1,
    ),
    stat(
        "Requests of fans without a server",
        "Requests that failed at one server and found no other: fans saw an error. Per second.",
        "cps",
        'sum(rate(onsale_origin_retries_total{outcome=~"nobody_left|no_budget"}[$__rate_interval]))',
        bad=0.1,
        width=12,
    ),
    graph(
        "Requests by server",
        "Attempts to have a request answered, by what came of them. Abandoned: the fan left.",
        "cps",
        (
            per_second("onsale_origin_requests_total", "upstream, outcome"),
            "{{upstream}} {{outcome}}",
        ),
    ),
    graph(
        "Under way at each server",
        "Requests and streams that have not ended. Who has the fewest gets the next.",
        "short",
        ("sum by (upstream) (onsale_origin_outstanding)", "{{upstream}}"),
    ),
    graph(
        "Time of each server to its answer",
        "From sending a request to the head of the answer, one in a hundred takes longer.",
        "s",
        (quantile(0.99, "onsale_origin_seconds", "upstream"), "{{upstream}} p99"),
    ),
    graph(
        "Failures by server",
        "connect: it took no connection. silent: it did not answer in time. broke_off: the "
        "connection ended before the answer did. garbled: the answer was none that can be read. "
        "bad_gateway: it answered 502 or 504.",
        "cps",
        (per_second("onsale_origin_failures_total", "upstream, reason"), "{{upstream}} {{reason}}"),
    ),
    graph(
        "Retries",
        "Requests that failed at one server and could go to another. No budget: too many at once "
        "would double the load on what is left.",
        "cps",
        (per_second("onsale_origin_retries_total", "outcome"), "{{outcome}}"),
    ),
    graph(
        "Circuits and checks",
        "0 closed: in use. 1 half-open: it is being tried. 2 open: it rests. And 1 for who fails "
        "the checks.",
        "none",
        (CIRCUIT, "circuit {{upstream}}"),
        (UNHEALTHY, "fails checks {{upstream}}"),
    ),
]
