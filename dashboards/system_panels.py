"""The rows below the sale itself: money and ledger, and the machinery."""

from dashboards.panel import Panel, graph, newest, per_second, quantile, stat
from dashboards.panels import EVENT

MONEY: list[Panel] = [
    stat(
        "Orders unsettled",
        "Orders without a final state whose deadline has passed. The rescuer settles them; they "
        "must not stay.",
        "none",
        "max(onsale_orders_unsettled)",
        warn=1,
        bad=20,
    ),
    stat(
        "Outbox open",
        "Entries of the outbox not yet told to others: captures, sold seats, freed seats.",
        "short",
        "max(onsale_outbox_open)",
    ),
    stat(
        "Oldest in the outbox",
        "Age of the oldest open entry. Minutes mean that money is waiting to be captured.",
        "s",
        "max(onsale_outbox_oldest_seconds)",
        warn=15,
        bad=60,
    ),
    stat(
        "Ledger behind by",
        "Age of the oldest entry of the hold log that is not in the ledger yet.",
        "s",
        "max(onsale_reconcile_lag_seconds" + EVENT + ")",
        warn=10,
        bad=30,
    ),
    stat(
        "Gaps in the hold log",
        "Holes found since the processes started counting. Sales are not touched by them: the "
        "record of holds is.",
        "none",
        "sum(onsale_reconcile_gaps_total)",
        warn=1,
    ),
    stat(
        "Audit findings",
        "What PostgreSQL, Redis and the payment provider do not agree on now. `onsale audit` lists it.",
        "none",
        "sum(max by (kind) (onsale_audit_findings))",
        bad=1,
    ),
    stat(
        "Payment refusals",
        "Share of orders that ended with a declined card.",
        "percentunit",
        'sum(rate(onsale_orders_total{event=~"$event", outcome="declined"}[$__rate_interval])) '
        "/ clamp_min(sum(rate(onsale_orders_total" + EVENT + "[$__rate_interval])), 0.001)",
    ),
    stat(
        "Oldest mail waiting",
        "Age of the oldest mail with tickets that is not sent. One old mail is a mailbox that is full, "
        "many are a mail server that is away.",
        "s",
        "max(onsale_ticket_mails_oldest_seconds)",
        warn=900,
    ),
    graph(
        "Audits",
        "Passes an hour by what was compared and how they ended; what they found, and the seats they "
        "made Redis show rightly.",
        "short",
        ("sum by (part, outcome) (increase(onsale_audits_total[1h]))", "{{part}} {{outcome}}"),
        ("sum by (kind) (increase(onsale_audit_found_total[1h]))", "found {{kind}}"),
        ("sum(increase(onsale_audit_repairs_total[1h]))", "put right"),
    ),
    graph(
        "Calls to the payment provider",
        "By call and outcome.",
        "cps",
        (
            per_second("onsale_payment_calls_total", "provider, call, outcome"),
            "{{provider}} {{call}} {{outcome}}",
        ),
    ),
    graph(
        "Time of payment calls",
        "99th percentile by call. What the provider takes, the fan waits.",
        "s",
        (quantile(0.99, "onsale_payment_call_seconds", "call"), "{{call}} p99"),
    ),
    graph(
        "Outbox worked",
        "Entries per second, by kind and outcome.",
        "cps",
        (per_second("onsale_outbox_done_total", "kind, outcome"), "{{kind}} {{outcome}}"),
    ),
    graph(
        "Tickets by mail",
        "Mails that are promised and not sent yet, those of them that have waited for a quarter of an "
        "hour, and what became of tries.",
        "short",
        ("max(onsale_ticket_mails_open)", "waiting"),
        ("max(onsale_ticket_mails_late)", "late"),
        (
            'sum by (outcome) (rate(onsale_outbox_done_total{kind="ticket_mail"}[$__rate_interval]))',
            "{{outcome}} per second",
        ),
    ),
    graph(
        "Outbox open and its oldest entry",
        "Both near 0 unless the worker or the provider is away.",
        "short",
        ("max(onsale_outbox_open)", "open"),
        ("max(onsale_outbox_oldest_seconds)", "oldest, seconds"),
        width=12,
    ),
    graph(
        "Reconciler",
        "How far the ledger's record of holds is behind, and how fast it is written.",
        "short",
        (newest("onsale_reconcile_lag_seconds", "event", EVENT), "behind, seconds {{event}}"),
        ("sum(rate(onsale_reconcile_applied_total[$__rate_interval]))", "entries per second"),
        width=12,
    ),
]

FAILED = 'sum(rate(onsale_http_requests_total{status=~"5.."}[$__rate_interval])) or vector(0)'

SYSTEM: list[Panel] = [
    stat(
        "Requests",
        "Requests answered per second, all tiers.",
        "reqps",
        "sum(rate(onsale_http_requests_total[$__rate_interval]))",
    ),
    stat(
        "Failing answers",
        "Share of answers with a 5xx status.",
        "percentunit",
        f"({FAILED}) / clamp_min(sum(rate(onsale_http_requests_total[$__rate_interval])), 0.001)",
        warn=0.001,
        bad=0.01,
        decimals=2,
    ),
    stat(
        "Gateway processes",
        "Processes of the front tier that are alive.",
        "none",
        'sum(onsale_process_up{role="gateway"})',
    ),
    stat(
        "Workers",
        "Workers alive. One is enough; none means no captures, no sweeping.",
        "none",
        'sum(onsale_process_up{role="worker"})',
    ),
    stat(
        "Store epoch",
        "Running number of the Redis that is believed.",
        "none",
        "max(onsale_store_epoch)",
    ),
    stat(
        "Recoveries in the last hour",
        "Times the seats and the line were rebuilt in Redis from the ledger.",
        "none",
        "sum(increase(onsale_store_recoveries_total[1h]))",
        warn=1,
        decimals=0,
    ),
    graph(
        "Requests by tier and status",
        "Answers per second.",
        "reqps",
        (per_second("onsale_http_requests_total", "tier, status"), "{{tier}} {{status}}"),
    ),
    graph(
        "Busiest routes",
        "The ten routes with most requests.",
        "reqps",
        (
            "topk(10, " + per_second("onsale_http_requests_total", "tier, route") + ")",
            "{{tier}} {{route}}",
        ),
    ),
    graph(
        "Failing answers per second",
        "Answers with a 5xx status. 503 says: come back in a moment.",
        "reqps",
        (FAILED, "all"),
    ),
    graph(
        "Time of requests, median",
        "By tier and route, the ten slowest.",
        "s",
        (
            f"topk(10, {quantile(0.5, 'onsale_http_request_seconds', 'tier, route')})",
            "{{tier}} {{route}}",
        ),
        width=12,
    ),
    graph(
        "Time of requests, 99th percentile",
        "By tier and route, the ten slowest. Search is promised in 200 ms, booking in 500.",
        "s",
        (
            f"topk(10, {quantile(0.99, 'onsale_http_request_seconds', 'tier, route')})",
            "{{tier}} {{route}}",
        ),
        width=12,
        warn=0.2,
        bad=0.5,
    ),
    graph(
        "Calls per Redis pipeline",
        "Calls of one tick travel together; the busier the process, the longer the pipeline.",
        "short",
        (
            (
                "sum(rate(onsale_redis_pipeline_calls_sum[$__rate_interval])) "
                "/ sum(rate(onsale_redis_pipeline_calls_count[$__rate_interval]))"
            ),
            "mean",
        ),
        (quantile(0.99, "onsale_redis_pipeline_calls"), "p99"),
    ),
    graph(
        "Round trip to Redis",
        "Of one pipeline.",
        "s",
        (quantile(0.5, "onsale_redis_seconds"), "p50"),
        (quantile(0.99, "onsale_redis_seconds"), "p99"),
        bad=0.1,
    ),
    graph(
        "Redis calls",
        "Per second. Depends on who buys, never on how many wait.",
        "ops",
        (per_second("onsale_redis_calls_total", "kind"), "{{kind}}"),
    ),
    graph(
        "Stores that did not answer",
        "Calls to Redis or PostgreSQL without an answer, per second.",
        "cps",
        (per_second("onsale_store_errors_total", "store"), "{{store}}"),
    ),
    graph(
        "Event-loop lag",
        "How much later than asked a sleeping task was woken. Every fan of the process waits so "
        "long on top.",
        "s",
        (quantile(0.5, "onsale_event_loop_lag_seconds"), "p50"),
        (quantile(0.99, "onsale_event_loop_lag_seconds"), "p99"),
        bad=0.1,
    ),
    graph(
        "Processes",
        "Alive, by role.",
        "none",
        ("sum by (role) (onsale_process_up)", "{{role}}"),
    ),
]
