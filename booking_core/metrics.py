"""What the shop counts: holds, seats, orders, payments, and how far the ledger is behind."""

from prometheus_client import Counter, Gauge, Histogram

from groundwork.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS

__all__ = [
    "AUDITS",
    "AUDIT_FINDINGS",
    "AUDIT_FOUND",
    "AUDIT_REPAIRS",
    "CHECKOUT_SECONDS",
    "HOLDS",
    "HOLDS_RELEASED",
    "HOLD_SECONDS",
    "HTTP_REQUESTS",
    "HTTP_REQUEST_SECONDS",
    "OFFERS",
    "ORDERS",
    "ORDERS_UNSETTLED",
    "OUTBOX_DONE",
    "OUTBOX_OLDEST_SECONDS",
    "OUTBOX_OPEN",
    "OVERSOLD_SEATS",
    "PAYMENT_CALLS",
    "PAYMENT_CALL_SECONDS",
    "RECONCILE_APPLIED",
    "RECONCILE_GAPS",
    "RECONCILE_LAG_SECONDS",
    "SEATS",
    "SEATS_SOLD",
    "STOCK_AVAILABLE",
    "SWEEPS",
    "SWEPT_HOLDS",
    "TICKET_MAILS_LATE",
    "TICKET_MAILS_OLDEST_SECONDS",
    "TICKET_MAILS_OPEN",
    "expect_event",
]

# A hold is one script: a millisecond. 500 ms is what the whole booking may take.
HOLD_SECONDS_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
# Two commits and one payment call: 500 ms is the promise. A slow card authorises after 30 s, and
# 60 s is past every time limit of a provider.
CHECKOUT_SECONDS_BUCKETS = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0,
)  # fmt: skip
# Providers answer in 0.1 to 2 s; past 20 s we stop waiting and ask again later.
PAYMENT_CALL_SECONDS_BUCKETS = (0.005, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0)

HOLD_OUTCOMES = ("held", "swapped", "taken", "kept", "orphan", "over_limit", "sold_out")
RELEASE_CAUSES = ("released", "expired")
ORDER_OUTCOMES = ("sold", "declined", "released", "pending")

HOLDS = Counter(
    "onsale_holds_total",
    "Asked-for holds, by outcome: held, swapped, taken, kept, orphan, over_limit, sold_out, enough.",
    ["event", "outcome"],
)
OFFERS = Counter(
    "onsale_offers_total",
    "Refusals that came with the nearest seats, already held.",
    ["event"],
)
HOLD_SECONDS = Histogram(
    "onsale_hold_seconds",
    "Time to hold seats, from the rule's start to its answer.",
    buckets=HOLD_SECONDS_BUCKETS,
)
HOLDS_RELEASED = Counter(
    "onsale_holds_released_total",
    "Holds that ended without a sale, by cause: released by the fan, or expired.",
    ["event", "cause"],
)
# Seats and stock are one per event, so the worker alone writes these and the newest is right.
SEATS = Gauge(
    "onsale_seats",
    "Seats by status: free, held, sold, blocked.",
    ["event", "status"],
    multiprocess_mode="mostrecent",
)
STOCK_AVAILABLE = Gauge(
    "onsale_stock_available",
    "Stock without seats that can still be held, by tier.",
    ["event", "tier"],
    multiprocess_mode="mostrecent",
)
ORDERS = Counter(
    "onsale_orders_total",
    "Orders that came to an answer, by outcome: sold, declined, released, pending.",
    ["event", "outcome"],
)
CHECKOUT_SECONDS = Histogram(
    "onsale_checkout_seconds",
    "Time from asking to complete an order to its answer.",
    buckets=CHECKOUT_SECONDS_BUCKETS,
)
PAYMENT_CALLS = Counter(
    "onsale_payment_calls_total",
    "Calls to a payment provider, by call and outcome.",
    ["provider", "call", "outcome"],
)
PAYMENT_CALL_SECONDS = Histogram(
    "onsale_payment_call_seconds",
    "Time a call to a payment provider took.",
    ["provider", "call"],
    buckets=PAYMENT_CALL_SECONDS_BUCKETS,
)
SEATS_SOLD = Counter(
    "onsale_seats_sold_total",
    "Seats and pieces of stock sold.",
    ["event"],
)
OVERSOLD_SEATS = Gauge(
    "onsale_oversold_seats",
    "Sales in the ledger beyond what there is, or doubled. Anything but 0 is a disaster.",
    ["event"],
    multiprocess_mode="mostrecent",
)
ORDERS_UNSETTLED = Gauge(
    "onsale_orders_unsettled",
    "Orders without a final state whose deadline has passed.",
    multiprocess_mode="mostrecent",
)
OUTBOX_OPEN = Gauge(
    "onsale_outbox_open",
    "Entries of the outbox not yet told to others.",
    multiprocess_mode="mostrecent",
)
OUTBOX_OLDEST_SECONDS = Gauge(
    "onsale_outbox_oldest_seconds",
    "Age of the oldest open entry of the outbox.",
    multiprocess_mode="mostrecent",
)
OUTBOX_DONE = Counter(
    "onsale_outbox_done_total",
    "Entries of the outbox worked, by kind and outcome.",
    ["kind", "outcome"],
)
TICKET_MAILS_OPEN = Gauge(
    "onsale_ticket_mails_open",
    "Mails with tickets that are promised and not yet sent or given up.",
    multiprocess_mode="mostrecent",
)
TICKET_MAILS_LATE = Gauge(
    "onsale_ticket_mails_late",
    "Those of them that have waited for a quarter of an hour and more.",
    multiprocess_mode="mostrecent",
)
TICKET_MAILS_OLDEST_SECONDS = Gauge(
    "onsale_ticket_mails_oldest_seconds",
    "Age of the oldest mail with tickets that is not yet sent or given up.",
    multiprocess_mode="mostrecent",
)
RECONCILE_LAG_SECONDS = Gauge(
    "onsale_reconcile_lag_seconds",
    "Age of the oldest entry of the hold log that is not yet in the ledger.",
    ["event"],
    multiprocess_mode="mostrecent",
)
RECONCILE_APPLIED = Counter(
    "onsale_reconcile_applied_total",
    "Entries of the hold log copied into the ledger.",
)
RECONCILE_GAPS = Counter(
    "onsale_reconcile_gaps_total",
    "Holes found in the hold log: entries that were written and are gone.",
)
SWEEPS = Counter(
    "onsale_sweeps_total",
    "Rounds of the sweeper.",
)
SWEPT_HOLDS = Counter(
    "onsale_swept_holds_total",
    "Holds the sweeper freed because they ran out.",
)

AUDITS = Counter(
    "onsale_audits_total",
    "Passes of the auditor, by what was compared (ledger, store, provider) and outcome: done, failed.",
    ["part", "outcome"],
)
AUDIT_FINDINGS = Gauge(
    "onsale_audit_findings",
    "What PostgreSQL, Redis and the payment provider do not agree on now, by kind.",
    ["kind"],
    multiprocess_mode="mostrecent",
)
AUDIT_FOUND = Counter(
    "onsale_audit_found_total",
    "Things the auditor found that do not agree, also those it put right at once, by kind.",
    ["kind"],
)
AUDIT_REPAIRS = Counter(
    "onsale_audit_repairs_total",
    "Seats that the auditor made Redis show as PostgreSQL has them.",
)


def expect_event(event_id: str) -> None:
    """Make the event's counters exist at 0, so that their first step is seen. May be repeated."""
    for outcome in HOLD_OUTCOMES:
        HOLDS.labels(event_id, outcome)
    OFFERS.labels(event_id)
    for cause in RELEASE_CAUSES:
        HOLDS_RELEASED.labels(event_id, cause)
    for outcome in ORDER_OUTCOMES:
        ORDERS.labels(event_id, outcome)
    SEATS_SOLD.labels(event_id)
