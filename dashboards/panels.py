"""Every panel of the dashboard "Sale day", row by row, in the words of the glossary."""

from dashboards.panel import Panel, graph, newest, per_second, quantile, stat

SALE = '{sale=~"$sale"}'
EVENT = '{event=~"$event"}'

WAITING = newest("onsale_fans_waiting", "sale", SALE)
DELIVERED = newest("onsale_admission_rate_per_minute", "sale", SALE)
CALLED = newest("onsale_call_rate_per_minute", "sale", SALE)
TOLD = newest("onsale_eta_told", "sale", SALE)
KEPT = newest("onsale_eta_kept", "sale", SALE)
LEFT = newest("onsale_sale_seats_left", "sale", SALE)
SEATS_PER_FAN = newest("onsale_seats_per_fan", "sale", SALE)

WAITING_ROOM: list[Panel] = [
    stat("Fans waiting", "Places in line given and not yet called.", "short", WAITING),
    stat(
        "Fans inside",
        "Visits going on: admitted fans who have not left, bought or gone silent.",
        "short",
        newest("onsale_fans_inside", "sale", SALE),
    ),
    stat(
        "Wait of who joins now",
        "Fans waiting divided by the calls a minute, as measured. Rises without bound while nobody "
        "is called.",
        "s",
        f"60 * {WAITING} / clamp_min({CALLED}, 1)",
    ),
    stat(
        "Place being served",
        "The highest place in line called so far.",
        "none",
        newest("onsale_line_serving", "sale", SALE),
    ),
    stat(
        "Last place given",
        "The highest place in line given so far.",
        "none",
        newest("onsale_line_last_place", "sale", SALE),
    ),
    stat(
        "No-shows",
        "Share of called places that were not claimed, over the last ten minutes. Pacing calls "
        "more fans to make up for them.",
        "percentunit",
        "clamp_min(1 - sum by (sale) (increase(onsale_admissions_total" + SALE + "[10m])) "
        "/ clamp_min(sum by (sale) (increase(onsale_calls_total" + SALE + "[10m])), 1), 0)",
        warn=0.3,
    ),
    graph(
        "Waiting and inside",
        "How long the line is, and how full the shop.",
        "short",
        (WAITING, "waiting {{sale}}"),
        (newest("onsale_fans_inside", "sale", SALE), "inside {{sale}}"),
    ),
    graph(
        "Admission rate, asked and delivered",
        "What the operator asked for, the fans who entered, and the places called for it: more, for "
        "not all come. Entered below asked: the next panel says why.",
        "cpm",
        (newest("onsale_admission_rate_asked_per_minute", "sale", SALE), "asked {{sale}}"),
        (DELIVERED, "entered {{sale}}"),
        (CALLED, "called {{sale}}"),
    ),
    graph(
        "What holds the calls",
        "1 is what holds them: the rate as it should, the health of the shop, its capacity or stock, "
        "demand when nobody waits, or a pause.",
        "none",
        (newest("onsale_pacing_limit", "sale, limit", SALE), "{{sale}} {{limit}}"),
    ),
    graph(
        "No-shows and the shop's health, as pacing sees them",
        "The part of calls that nobody answers, and how much of the asked rate the shop bears by "
        "what it answered.",
        "percentunit",
        (newest("onsale_no_show_part", "sale", SALE), "no-shows {{sale}}"),
        (newest("onsale_shop_health_part", "sale", SALE), "health {{sale}}"),
    ),
    graph(
        "At the turnstile",
        "Fans who answered and wait: for their token, some seconds, or, having come late, for room.",
        "short",
        (newest("onsale_fans_at_turnstile", "sale, waits_for", SALE), "{{sale}} for {{waits_for}}"),
    ),
    graph(
        "Joins",
        "Fans asking for a place in line, by outcome. Repeated: the same device came back and "
        "was told the same place. Move: places going to another device, by links made, places "
        "moved, claims refused.",
        "cps",
        (per_second("onsale_joins_total", "outcome", SALE), "{{outcome}}"),
        (per_second("onsale_moves_total", "outcome", SALE), "move {{outcome}}"),
    ),
    graph(
        "Bot checks",
        "Checks made when fans join, by check and outcome, and the access codes they gave. Many "
        "unknown codes, or guesses used up: somebody tries codes; their addresses are slowed down.",
        "cps",
        (per_second("onsale_bot_checks_total", "check, outcome", SALE), "{{check}} {{outcome}}"),
        (per_second("onsale_access_codes_total", "outcome", SALE), "code {{outcome}}"),
    ),
    graph(
        "Limits",
        "Calls beyond a limit. Harder: an address or network asked for more than a household does, "
        "and its browsers compute longer; a campus looks like that, too. Refused: a flood.",
        "cps",
        (per_second("onsale_limited_total", "call, outcome", SALE), "{{call}} {{outcome}}"),
    ),
    graph(
        "Signals",
        "What was noted of fans that speaks for a program. It costs them work and checks, never a "
        "place; `onsale fan show` tells what was noted of one.",
        "cps",
        (per_second("onsale_signals_total", "signal", SALE), "{{signal}}"),
    ),
    graph(
        "Waits as told",
        "Of the ranges told to fans whose end is known by now, how many held. Eight in ten are "
        "meant to; far fewer, and fans are told waits that are not so.",
        "percentunit",
        (f"{KEPT} / clamp_min({TOLD}, 1)", "held {{sale}}"),
        width=12,
    ),
    graph(
        "Left for those who wait",
        "What the shop says nobody has bought, and the fans that is enough for by the seats "
        "pacing counts on for each. No more than those are let in.",
        "short",
        (LEFT, "seats {{sale}}"),
        (f"{LEFT} / clamp_min({SEATS_PER_FAN}, 1)", "fans {{sale}}"),
        width=12,
    ),
    graph(
        "Answers of the shop",
        "Answers to fans of the sale, by outcome: failed is 500, 502 to 504, or none; slow is "
        "longer than ORIGIN_SLOW_MS, but where a bank is waited for. More than two bad ones in "
        "a hundred, and pacing lets fewer in.",
        "cps",
        (per_second("onsale_origin_answers_total", "sale, outcome", SALE), "{{sale}} {{outcome}}"),
        width=8,
    ),
    graph(
        "Waiting pages",
        "Pages that are sent the status board as it changes; all others ask for it. Dropped: streams "
        "of both tiers that were broken off, because the reader did not take what was sent.",
        "short",
        ("sum by (sale) (onsale_board_streams" + SALE + ")", "streams {{sale}}"),
        ("sum(increase(onsale_streams_dropped_total[1m]))", "dropped in a minute"),
        width=8,
    ),
    graph(
        "Connections",
        "Open connections besides streams, and those we closed in a minute: slow with a head, a body or "
        "in taking an answer, idle when room was needed (room), refused because there was none (full), "
        "or not speaking HTTP (malformed).",
        "short",
        ("sum(onsale_connections_open)", "open"),
        (
            "sum by (reason) (increase(onsale_connections_dropped_total[1m]))",
            "closed: {{reason}}",
        ),
        width=8,
    ),
    graph(
        "Made good to fans",
        "Fans inside who met a fault of ours (500, 502, 503, 504, or no answer) and were given time "
        "and a way back; the time they were given; and how long everybody's clock stood still because "
        "the line could not move.",
        "short",
        (f"sum by (sale) (increase(onsale_fault_credits_total{SALE}[5m]))", "faults {{sale}}"),
        (
            f"sum by (sale) (increase(onsale_fault_seconds_given_total{SALE}[5m]))",
            "seconds given {{sale}}",
        ),
        (
            f"sum by (sale) (increase(onsale_clocks_frozen_seconds_total{SALE}[5m]))",
            "seconds stood still {{sale}}",
        ),
        width=8,
    ),
    graph(
        "Entries to the draw",
        "Fans in the roster of the draw, as far as it is durable. They stop growing at the opening.",
        "short",
        (newest("onsale_draw_entries", "sale", SALE), "entries {{sale}}"),
        width=12,
    ),
    graph(
        "Draw overdue by",
        "Time since the opening of a sale whose draw is not made, and how long made ones took. With "
        "a beacon a quarter of a minute is usual, without a second.",
        "s",
        (newest("onsale_draw_overdue_seconds", "sale", SALE), "overdue {{sale}}"),
        (newest("onsale_draw_seconds", "sale", SALE), "took {{sale}}"),
        width=12,
        bad=60,
    ),
    graph(
        "Age of the board, time of a pacing step",
        "The oldest board any process serves should be a second or two old; a pacing step takes "
        "milliseconds.",
        "s",
        (newest("onsale_board_age_seconds", "sale", SALE), "board {{sale}}"),
        (quantile(0.99, "onsale_pacing_tick_seconds"), "pacing step p99"),
        bad=5,
    ),
]

SHOP: list[Panel] = [
    stat(
        "Oversold",
        "Sales in the ledger beyond what there is, or doubled. Anything but 0 is a disaster: see "
        "the runbook.",
        "none",
        "max(onsale_oversold_seats" + EVENT + ")",
        bad=1,
    ),
    stat(
        "Sold",
        "Seats and pieces of stock sold since the processes started counting.",
        "short",
        "sum(onsale_seats_sold_total" + EVENT + ")",
    ),
    stat(
        "Seats left",
        "Seats that are free right now, all events together.",
        "short",
        'sum(max by (event) (onsale_seats{event=~"$event", status="free"}))',
    ),
    stat(
        "Stock left",
        "Stock without seats that can still be held.",
        "short",
        "sum(max by (event, tier) (onsale_stock_available" + EVENT + "))",
    ),
    stat(
        "Sold per second",
        "Seats and pieces of stock sold per second.",
        "cps",
        "sum(rate(onsale_seats_sold_total" + EVENT + "[$__rate_interval]))",
        decimals=1,
    ),
    stat(
        "Holds that lost",
        "Share of asked-for holds that met a taken seat. High near the end of a sale; high at its "
        "beginning, the seat map is old.",
        "percentunit",
        'sum(rate(onsale_holds_total{event=~"$event", outcome="taken"}[$__rate_interval])) '
        "/ clamp_min(sum(rate(onsale_holds_total" + EVENT + "[$__rate_interval])), 0.001)",
        warn=0.5,
    ),
    graph(
        "Seats by status",
        "Free, held, sold and blocked seats; together they are always the same number.",
        "short",
        (
            "sum by (status) (max by (event, status) (onsale_seats" + EVENT + "))",
            "{{status}}",
        ),
        stacked=True,
    ),
    graph(
        "Stock left by tier",
        "Stock without seats that can still be held.",
        "short",
        (newest("onsale_stock_available", "event, tier", EVENT), "{{event}} {{tier}}"),
    ),
    graph(
        "Sold per second by event",
        "Seats and pieces of stock sold.",
        "cps",
        (per_second("onsale_seats_sold_total", "event", EVENT), "{{event}}"),
    ),
    graph(
        "Holds",
        "Asked-for holds by outcome.",
        "cps",
        (per_second("onsale_holds_total", "outcome", EVENT), "{{outcome}}"),
        ("sum(rate(onsale_offers_total" + EVENT + "[$__rate_interval]))", "refused with an offer"),
    ),
    graph(
        "Holds given back",
        "Holds that ended without a sale: released by the fan, or expired.",
        "cps",
        (per_second("onsale_holds_released_total", "cause", EVENT), "{{cause}}"),
        ("sum(rate(onsale_swept_holds_total[$__rate_interval]))", "freed by the sweeper"),
    ),
    graph(
        "Orders",
        "Orders by the answer they came to.",
        "cps",
        (per_second("onsale_orders_total", "outcome", EVENT), "{{outcome}}"),
    ),
    graph(
        "Time to hold seats",
        "Inside the shop, without the way to it.",
        "s",
        (quantile(0.5, "onsale_hold_seconds"), "p50"),
        (quantile(0.99, "onsale_hold_seconds"), "p99"),
        width=12,
        bad=0.5,
    ),
    graph(
        "Time to complete an order",
        "From asking to the answer, payment included. The promise is half a second with a "
        "provider that answers at once.",
        "s",
        (quantile(0.5, "onsale_checkout_seconds"), "p50"),
        (quantile(0.99, "onsale_checkout_seconds"), "p99"),
        width=12,
        bad=0.5,
    ),
]
