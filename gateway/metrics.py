"""What the front tier counts: joins, admissions, the line, the board and its streams."""

from prometheus_client import Counter, Gauge, Histogram

from gateway.bot_checks.signals import SIGNALS as SIGNALS_KNOWN
from groundwork.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS

__all__ = [
    "ACCESS_CODES",
    "ADMISSIONS",
    "ADMISSION_RATE_ASKED_PER_MINUTE",
    "ADMISSION_RATE_PER_MINUTE",
    "BOARD_AGE_SECONDS",
    "BOARD_STREAMS",
    "BOT_CHECKS",
    "CALLS",
    "CALL_RATE_PER_MINUTE",
    "ETA_KEPT",
    "ETA_TOLD",
    "FANS_AT_TURNSTILE",
    "FANS_INSIDE",
    "FANS_WAITING",
    "HTTP_REQUESTS",
    "HTTP_REQUEST_SECONDS",
    "JOINS",
    "LIMITED",
    "LINE_LAST_PLACE",
    "LINE_SERVING",
    "MOVES",
    "NO_SHOW_PART",
    "ORIGIN_ANSWERS",
    "PACING_LIMIT",
    "PACING_TICK_SECONDS",
    "SEATS_LEFT",
    "SEATS_PER_FAN",
    "SHOP_HEALTH_PART",
    "SIGNALS",
    "expect_sale",
]

# One script call and one small write: a millisecond. Ticks come every second, so one that takes a
# second means that pacing stands still.
TICK_SECONDS_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

JOIN_OUTCOMES = ("joined", "repeated", "refused")
CODE_OUTCOMES = ("redeemed", "unknown", "used-up", "revoked", "guesses-used-up", "failed")
MOVE_OUTCOMES = ("link", "moved", "refused")
LIMITED_CALLS = ("challenge", "join", "admit", "move", "claim", "captcha", "captcha-sale")
LIMITED_OUTCOMES = ("harder", "refused")
ANSWER_OUTCOMES = ("good", "failed", "slow")

JOINS = Counter(
    "onsale_joins_total",
    "Fans who asked for a place in line, by outcome: joined, repeated, refused.",
    ["sale", "outcome"],
)
BOT_CHECKS = Counter(
    "onsale_bot_checks_total",
    "Checks made when a fan joins, by check and outcome.",
    ["sale", "check", "outcome"],
)
LIMITED = Counter(
    "onsale_limited_total",
    "Calls beyond a limit of their address, its network or their fan, by what became of them: harder "
    "work was asked for, or they were refused.",
    ["sale", "call", "outcome"],
)
SIGNALS = Counter(
    "onsale_signals_total",
    "What was noted of fans that speaks for a program, by signal.",
    ["sale", "signal"],
)
ACCESS_CODES = Counter(
    "onsale_access_codes_total",
    "Access codes that fans gave when they joined, by outcome.",
    ["sale", "outcome"],
)
MOVES = Counter(
    "onsale_moves_total",
    "Places that fans move to another device: links made, places moved, claims refused.",
    ["sale", "outcome"],
)
ADMISSIONS = Counter(
    "onsale_admissions_total",
    "Fans who claimed their admission pass.",
    ["sale"],
)
CALLS = Counter(
    "onsale_calls_total",
    "Places in line that were called; fewer admissions than calls are no-shows.",
    ["sale"],
)

ORIGIN_ANSWERS = Counter(
    "onsale_origin_answers_total",
    "The shop's answers to fans of a sale: good, failed (500, 502 to 504, or none) or slow.",
    ["sale", "outcome"],
)

FAULT_CREDITS = Counter(
    "onsale_fault_credits_total",
    "Fans inside who met a fault of ours and were given time and a way back before others.",
    ["sale"],
)
FAULT_SECONDS_GIVEN = Counter(
    "onsale_fault_seconds_given_total",
    "Time given to visits of single fans whom we failed.",
    ["sale"],
)
SECONDS_FROZEN = Counter(
    "onsale_clocks_frozen_seconds_total",
    "How long the clocks of everybody inside or called stood still because the line could not move.",
    ["sale"],
)

# The line is one per sale, so the worker alone writes these and the newest value is the right one.
FANS_WAITING = Gauge(
    "onsale_fans_waiting",
    "Places in line given and not yet called.",
    ["sale"],
    multiprocess_mode="mostrecent",
)
FANS_INSIDE = Gauge(
    "onsale_fans_inside",
    "Visits going on: fans admitted who have not left, bought or gone silent.",
    ["sale"],
    multiprocess_mode="mostrecent",
)
LINE_SERVING = Gauge(
    "onsale_line_serving",
    "The highest place in line called so far.",
    ["sale"],
    multiprocess_mode="mostrecent",
)
LINE_LAST_PLACE = Gauge(
    "onsale_line_last_place",
    "The highest place in line given so far.",
    ["sale"],
    multiprocess_mode="mostrecent",
)
FANS_AT_TURNSTILE = Gauge(
    "onsale_fans_at_turnstile",
    "Fans who answered their call and wait there, for their token or, having come late, for room.",
    ["sale", "waits_for"],
    multiprocess_mode="mostrecent",
)
CALL_RATE_PER_MINUTE = Gauge(
    "onsale_call_rate_per_minute",
    "Places called per minute, as measured: as many more than enter as do not come.",
    ["sale"],
    multiprocess_mode="mostrecent",
)
ADMISSION_RATE_PER_MINUTE = Gauge(
    "onsale_admission_rate_per_minute",
    "Fans who entered per minute, as measured.",
    ["sale"],
    multiprocess_mode="mostrecent",
)
ADMISSION_RATE_ASKED_PER_MINUTE = Gauge(
    "onsale_admission_rate_asked_per_minute",
    "Fans per minute the operator asked to let in.",
    ["sale"],
    multiprocess_mode="mostrecent",
)
NO_SHOW_PART = Gauge(
    "onsale_no_show_part",
    "The part of calls that nobody answers, as pacing measures it: 0 to 1.",
    ["sale"],
    multiprocess_mode="mostrecent",
)
SHOP_HEALTH_PART = Gauge(
    "onsale_shop_health_part",
    "How much of the asked rate pacing thinks the shop bears: 0 to 1.",
    ["sale"],
    multiprocess_mode="mostrecent",
)
PACING_LIMIT = Gauge(
    "onsale_pacing_limit",
    "What holds the calls now is 1: rate, health, capacity, stock, demand or paused.",
    ["sale", "limit"],
    multiprocess_mode="mostrecent",
)

ETA_TOLD = Gauge(
    "onsale_eta_told",
    "Ranges of a wait that were told and whose end is known by now.",
    ["sale"],
    multiprocess_mode="mostrecent",
)
ETA_KEPT = Gauge(
    "onsale_eta_kept",
    "Of the told ranges those that held; eight in ten are meant to.",
    ["sale"],
    multiprocess_mode="mostrecent",
)
SEATS_LEFT = Gauge(
    "onsale_sale_seats_left",
    "Seats and pieces of stock that nobody has bought, as the shop told the waiting room.",
    ["sale"],
    multiprocess_mode="mostrecent",
)
SEATS_PER_FAN = Gauge(
    "onsale_seats_per_fan",
    "Seats pacing counts on for each fan inside, as measured.",
    ["sale"],
    multiprocess_mode="mostrecent",
)

BOARD_STREAMS = Gauge(
    "onsale_board_streams",
    "Waiting pages that are sent the status board as it changes.",
    ["sale"],
    multiprocess_mode="livesum",
)
# The worst of the living processes: the age of a dead one's board harms nobody.
BOARD_AGE_SECONDS = Gauge(
    "onsale_board_age_seconds",
    "Age of the status board a process serves, the oldest over all processes.",
    ["sale"],
    multiprocess_mode="livemax",
)
PACING_TICK_SECONDS = Histogram(
    "onsale_pacing_tick_seconds",
    "Time one pacing step took.",
    buckets=TICK_SECONDS_BUCKETS,
)


def expect_sale(sale_id: str) -> None:
    """Make the sale's counters exist at 0, so that their first step is seen. May be repeated."""
    for outcome in JOIN_OUTCOMES:
        JOINS.labels(sale_id, outcome)
    for outcome in CODE_OUTCOMES:
        ACCESS_CODES.labels(sale_id, outcome)
    for outcome in MOVE_OUTCOMES:
        MOVES.labels(sale_id, outcome)
    for call in LIMITED_CALLS:
        for outcome in LIMITED_OUTCOMES:
            LIMITED.labels(sale_id, call, outcome)
    for code in SIGNALS_KNOWN:
        SIGNALS.labels(sale_id, code)
    for outcome in ANSWER_OUTCOMES:
        ORIGIN_ANSWERS.labels(sale_id, outcome)
    for counter in (FAULT_CREDITS, FAULT_SECONDS_GIVEN, SECONDS_FROZEN):
        counter.labels(sale_id)
    ADMISSIONS.labels(sale_id)
    BOARD_STREAMS.labels(sale_id)
    CALLS.labels(sale_id)
