"""Sales and money: what buyers were told, what PostgreSQL has, and what the provider took."""

from collections import Counter, defaultdict
from collections.abc import Iterator

from onsale.prove.history import History, IntentRow, Op, OrderRow

FINAL = ("SOLD", "RELEASED")
# Whoever could not know whether it worked; the provider's books must be as clear as ours in the end.
MONEY_AT_REST = ("succeeded", "canceled")
# The provider's clock and the database's are one; it writes whole milliseconds, and so do we.
CLOCK_STEP_MS = 1


def confirmations(history: History) -> dict[str, Op]:
    """Return the first acknowledgement of each sale, by its order."""
    told: dict[str, Op] = {}
    for op in history.of("complete", "read"):
        if op.outcome == "ok" and op.state == "confirmed":
            told.setdefault(op.order, op)
    return told


def orders(history: History) -> dict[str, OrderRow]:
    """Return all orders by their id."""
    return {row.order: row for row in history.end.orders}


def seats_sold_twice(history: History) -> Iterator[str]:
    """C1: a seat is in one acknowledged sale at most, and in one ticket."""
    told: dict[tuple[str, str], set[str]] = defaultdict(set)
    for order, op in confirmations(history).items():
        for seat in op.seats:
            told[op.event, seat].add(order)
    for (event, seat), owners in told.items():
        if len(owners) > 1:
            yield f"seat {seat} of {event} was confirmed to orders {', '.join(sorted(owners))}"
    tickets = Counter((event, seat) for _, event, seat in history.end.tickets if seat)
    for (event, seat), count in tickets.items():
        if count > 1:
            yield f"seat {seat} of {event} has {count} tickets"


def stock_oversold(history: History) -> Iterator[str]:
    """C1 for stock: never more pieces than there are."""
    sold: Counter[tuple[str, str]] = Counter()
    for row in history.end.orders:
        if row.state == "SOLD":
            for tier, quantity in row.stock.items():
                sold[row.event, tier] += quantity
    for event in history.end.events:
        for tier, there_are in event.capacity.items():
            if sold[event.event, tier] > there_are:
                yield f"{sold[event.event, tier]} of {there_are} {tier} of {event.event} are sold"


def sales_lost(history: History) -> Iterator[str]:
    """C2: what was acknowledged is in PostgreSQL in the end, and in every reading after it."""
    found = orders(history)
    told = confirmations(history)
    for order, op in told.items():
        row = found.get(order)
        if row is None or row.state != "SOLD":
            yield f"order {order} was confirmed and is {row.state if row else 'gone'}"
        elif set(op.seats) != set(row.seats) or op.stock != row.stock:
            yield f"order {order} was confirmed for other places than it has"
    for op in history.of("read"):
        first = told.get(op.order)
        is_later = first is not None and op.began_ms > first.ended_ms
        if is_later and op.outcome == "ok" and op.state != "confirmed":
            yield f"order {op.order} was confirmed and read as {op.state} later"
        if is_later and op.outcome == "fail":
            yield f"order {op.order} was confirmed and answered {op.status} later"


def sales_of_nobody(history: History) -> Iterator[str]:
    """C3: every sale was asked for by its buyer, with that key for that reservation."""
    asked = {(op.fan, op.key, op.reservation) for op in history.of("complete")}
    for row in history.end.orders:
        if row.state == "SOLD" and (row.fan, row.key, row.reservation) not in asked:
            yield f"order {row.order} is sold, and nobody asked for it"


def doubts_left(history: History) -> Iterator[str]:
    """C4: whatever had no clear answer either happened or did not, and the answers agree with it."""
    by_key = {(row.fan, row.key): row for row in history.end.orders}
    for op in history.of("complete"):
        row = by_key.get((op.fan, op.key))
        if row is not None and row.state not in FINAL:
            yield f"order {row.order} is neither sold nor released: {row.state}"
        elif (
            op.outcome == "ok" and op.state == "confirmed" and (row is None or row.state != "SOLD")
        ):
            yield f"key {op.key} was answered with a sale that is none"
        elif op.outcome == "fail" and op.status == 402 and row is not None and row.state == "SOLD":
            yield f"order {row.order} was answered as declined and is sold"


def money_wrong(history: History) -> Iterator[str]:
    """C5: each sale is paid once, in full and after its commit; nothing else is paid."""
    paid: dict[str, list[IntentRow]] = defaultdict(list)
    for intent in history.end.intents:
        if intent.captured:
            paid[intent.order].append(intent)
    for row in history.end.orders:
        intents = paid.pop(row.order, [])
        kept = sum(intent.captured - intent.refunded for intent in intents)
        if row.state != "SOLD":
            if kept:
                yield f"{kept} were kept for order {row.order}, which is {row.state}"
            continue
        if len(intents) != 1:
            yield f"order {row.order} was paid {len(intents)} times"
        elif kept != row.amount:
            yield f"order {row.order} costs {row.amount}, and {kept} were kept"
        elif intents[0].payment != row.payment:
            yield f"order {row.order} was paid by another payment than it knows"
        elif intents[0].captured_ms + CLOCK_STEP_MS < row.sold_ms:
            yield f"order {row.order} was paid before it was sold"
    for order, intents in paid.items():
        yield f"{len(intents)} payments for order {order or '(none)'}, which does not exist"


def authorizations_left(history: History) -> Iterator[str]:
    """C6: every payment ends taken or cancelled."""
    for intent in history.end.intents:
        if intent.status not in MONEY_AT_REST:
            yield f"payment {intent.payment} of order {intent.order} is left {intent.status}"


def repeats_differ(history: History) -> Iterator[str]:
    """C9: one key is one order and one answer; another body is refused, another buyer gets nothing."""
    answers: dict[tuple[str, str], dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for op in history.of("complete"):
        if op.outcome != "unknown" and op.status == 201:
            answers[op.fan, op.key][op.status].add(op.answer)
    for (_, key), by_status in answers.items():
        for status, texts in by_status.items():
            if len(texts) > 1:
                yield f"key {key} was answered {status} in {len(texts)} different ways"
    for (fan, key), count in Counter((row.fan, row.key) for row in history.end.orders).items():
        if count > 1:
            yield f"key {key} of {fan} made {count} orders"
    known = {row.order for row in history.end.orders}
    for op in history.of("other-body"):
        if op.outcome == "ok" or (op.outcome == "fail" and op.status != 422):
            yield f"key {op.key} with another body was answered {op.status} {op.code}"
    for op in history.of("steal"):
        if op.outcome == "ok" or op.order in known:
            yield f"reservation {op.reservation} was paid for by somebody else"


def sold_in_part(history: History) -> Iterator[str]:
    """C10: an order has all of its places or none, and they are those of its reservation."""
    held = {op.reservation: op for op in history.of("hold") if op.outcome == "ok"}
    tickets: dict[str, list[str]] = defaultdict(list)
    for order, _, seat in history.end.tickets:
        tickets[order].append(seat)
    claims: dict[str, set[str]] = defaultdict(set)
    for _, seat, order, _ in history.end.claims:
        claims[order].add(seat)
    for row in history.end.orders:
        seats = {seat for seat in tickets[row.order] if seat}
        pieces = len(tickets[row.order]) - len(seats)
        wanted = set(row.seats) if row.state == "SOLD" else set()
        if seats != wanted or claims[row.order] != wanted:
            yield f"order {row.order} ({row.state}) has tickets for {len(seats)} of its seats"
        if pieces != (sum(row.stock.values()) if row.state == "SOLD" else 0):
            yield f"order {row.order} ({row.state}) has {pieces} tickets for stock"
        hold = held.get(row.reservation)
        if hold is not None and (set(hold.seats) != set(row.seats) or hold.stock != row.stock):
            yield f"order {row.order} is for other places than were held"


def orders_stuck(history: History) -> Iterator[str]:
    """C16: every order comes to an end, and everything promised by it is told."""
    for row in history.end.orders:
        if row.state not in FINAL:
            yield f"order {row.order} is stuck in {row.state}"
        elif row.state == "SOLD" and not row.captured_ms:
            yield f"order {row.order} is sold, and nobody noted its payment"
    if history.end.outbox_open:
        yield f"{history.end.outbox_open} entries of the outbox were not told"
    if not history.end.is_quiet:
        yield "it did not become quiet after the last fault"
