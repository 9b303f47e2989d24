"""Seats and holds: each seat's own story must have an order that a single seat could have lived."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise

from onsale.prove.checks.linear import Deed, is_possible
from onsale.prove.checks.sales import confirmations, orders
from onsale.prove.history import Fault, History, HoldRow, Op

# A hold's end comes by the clock of Redis, and its answer told it in whole milliseconds.
END_SLACK_MS = 250
ENDS = ("release", "complete")
FREE, HELD, SOLD, KEPT_BACK = "0", "1", "2", "3"
# Seats as the snapshot of the interface counts them: free, held, sold, not for sale.
STATES = ("state_0", "state_1", "state_2", "state_3")


def epoch_of(history: History) -> dict[str, int]:
    """Return the epoch in which each reservation was held, as far as the log tells."""
    return {row.reservation: row.epoch for row in history.end.holds if row.kind == "held"}


def certain_spans(history: History) -> dict[tuple[str, str], list[tuple[int, int, str]]]:
    """Return, for each seat, from when to when a buyer could be sure to hold it, and by what."""
    ends = first_freed(history)
    spans: dict[tuple[str, str], list[tuple[int, int, str]]] = defaultdict(list)
    for op in history.of("hold"):
        if op.outcome != "ok":
            continue
        till = min(op.expires_at_ms - END_SLACK_MS, ends.get(op.reservation, op.expires_at_ms))
        if till > op.ended_ms:
            for seat in op.seats:
                spans[op.event, seat].append((op.ended_ms, till, op.reservation))
    return spans


def holds_overlap(history: History) -> Iterator[str]:
    """C7: within one epoch, nobody is told to hold what somebody else can be sure to hold."""
    epochs = epoch_of(history)
    for (event, seat), spans in certain_spans(history).items():
        spans.sort()
        for (_, till, first), (since, _, second) in pairwise(spans):
            same = epochs.get(first) is not None and epochs.get(first) == epochs.get(second)
            if first != second and since < till and same:
                yield f"seat {seat} of {event} was held by {first} and {second} at once"


def stories_impossible(history: History) -> Iterator[str]:
    """C8: the calls on each seat fit into one order in which it was free, held, then sold once."""
    for (event, seat), deeds in seat_deeds(history).items():
        if not is_possible(deeds):
            story = "; ".join(
                f"{deed.kind} {deed.who} {deed.began_ms}-{deed.ended_ms}" for deed in deeds
            )
            yield f"seat {seat} of {event} cannot have lived this: {story}"


def seat_deeds(history: History) -> Mapping[tuple[str, str], list[Deed]]:
    """Return what was done to each seat, as a single seat would tell it."""
    deeds: dict[tuple[str, str], list[Deed]] = defaultdict(list)
    seats_of: dict[str, Op] = {}
    rows, asked = orders(history), first_asked(history)
    freed, losses = first_freed(history), first_losses(history)
    for op in merged_holds(history):
        seats_of[op.reservation] = op
        end = earliest_end(op, freed.get(op.reservation), losses.get(op.reservation, []))
        for seat in op.seats:
            deeds[op.event, seat].append(Deed("hold", op.reservation, op.began_ms, op.ended_ms))
            deeds[op.event, seat].append(Deed("end", op.reservation, end, None))
    for order, op in confirmations(history).items():
        row = rows.get(order)
        held = seats_of.get(row.reservation if row else op.reservation)
        began = asked.get((op.fan, row.key if row else op.key), op.began_ms)
        # Whose hold was lost by a fault of any kind may still be the first to claim.
        is_shaken = held is None or any(
            fault.began_ms < op.ended_ms and fault.ended_ms > held.began_ms
            for fault in history.faults
        )
        for seat in op.seats:
            deeds[op.event, seat].append(
                Deed(
                    "sell", held.reservation if held else order, began, op.ended_ms,
                    needs_hold=not is_shaken,
                )
            )  # fmt: skip
    return deeds


def first_losses(history: History) -> dict[str, list[int]]:
    """Return when each hold may have been lost: when its event was filled again in a later epoch.

    A hold of the last second before that may not be in PostgreSQL yet. One that no log tells of may
    have been lost by any filling after it was asked for.
    """
    epochs, losses = epoch_of(history), defaultdict(list)
    filled: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for scope, epoch, at_ms in history.end.fills:
        filled[scope].append((epoch, at_ms))
    for op in merged_holds(history):
        known = epochs.get(op.reservation)
        for epoch, at_ms in filled[f"event:{op.event}"]:
            if epoch > known if known is not None else at_ms >= op.began_ms:
                losses[op.reservation].append(max(op.began_ms, at_ms))
    return losses


def earliest_end(held: Op, freed_ms: int | None, losses: list[int]) -> int:
    """Return since when the hold may be over: let go of, paid for, run out, or lost with its Redis."""
    times = [held.expires_at_ms - END_SLACK_MS, *losses]
    return min(times if freed_ms is None else [*times, freed_ms])


def first_freed(history: History) -> dict[str, int]:
    """Return when somebody first asked for what may end each hold."""
    freed: dict[str, int] = {}
    for op in history.of(*ENDS):
        freed[op.reservation] = min(op.began_ms, freed.get(op.reservation, op.began_ms))
    return freed


def may_void_holds(fault: Fault) -> bool:
    """Whether Redis may have forgotten holds by it."""
    return fault.name.startswith("redis") or fault.name == "power-cut"


def merged_holds(history: History) -> Iterator[Op]:
    """Yield one call for each reservation: from the first try with its key to its first answer."""
    first: dict[tuple[str, str], Op] = {}
    done: set[str] = set()
    for op in history.of("hold"):
        begun = first.setdefault((op.fan, op.key), op)
        if op.outcome == "ok" and op.reservation not in done:
            done.add(op.reservation)
            yield Op(
                number=op.number, fan=op.fan, verb="hold", began_ms=begun.began_ms,
                ended_ms=op.ended_ms, outcome="ok", event=op.event, reservation=op.reservation,
                seats=op.seats, stock=op.stock, expires_at_ms=op.expires_at_ms,
            )  # fmt: skip


def first_asked(history: History) -> dict[tuple[str, str], int]:
    """Return when each sale can have begun: with the first call for it, by fan and key."""
    asked: dict[tuple[str, str], int] = {}
    for op in history.of("complete"):
        asked.setdefault((op.fan, op.key), op.began_ms)
    return asked


def map_wrong(history: History) -> Iterator[str]:
    """C12: in the end Redis shows as sold what PostgreSQL has sold, and nothing else."""
    sold: dict[str, set[str]] = defaultdict(set)
    pieces: dict[tuple[str, str], int] = defaultdict(int)
    for row in history.end.orders:
        if row.state == "SOLD":
            sold[row.event] |= set(row.seats)
            for tier, quantity in row.stock.items():
                pieces[row.event, tier] += quantity
    for event in history.end.events:
        if not event.shown:
            continue  # closed, and filled when it is next asked for: nothing wrong is shown
        shown = {event.seat_ids[i] for i, digit in enumerate(event.shown) if digit == SOLD}
        for seat in sorted(shown ^ sold[event.event]):
            has = "sold" if seat in sold[event.event] else "not sold"
            yield f"seat {seat} of {event.event} is {has}, and Redis shows it otherwise"
        for tier, there_are in event.capacity.items():
            free = event.stock_shown.get(tier, there_are)
            if free > there_are - pieces[event.event, tier]:
                yield f"Redis offers {free} of {tier} of {event.event}, more than are left"


def counts_wrong(history: History) -> Iterator[str]:
    """C13: in every snapshot each seat is in one state, and what was sold before it is not free."""
    seats = {event.event: len(event.seat_ids) for event in history.end.events}
    for op in history.of("look"):
        if op.outcome != "ok":
            continue
        total = sum(op.numbers[state] for state in STATES)
        if not total == op.numbers["count"] == seats.get(op.event):
            yield f"a snapshot of {op.event} counts {total} of {seats.get(op.event)} seats"
    for event in history.end.events:
        if event.shown and len(event.shown) != len(event.seat_ids):
            yield f"Redis shows {len(event.shown)} of {len(event.seat_ids)} seats of {event.event}"


def log_broken(history: History) -> Iterator[str]:
    """C14: the hold log has every number of its epoch; what is missing was noticed and noted."""
    noted = {(event, epoch): set[int]() for event, epoch, _, _ in history.end.gaps}
    for event, epoch, expected, found in history.end.gaps:
        noted[event, epoch] |= set(range(expected, found))
    logs: dict[tuple[str, int], list[HoldRow]] = defaultdict(list)
    for row in history.end.holds:
        logs[row.event, row.epoch].append(row)
    for (event, epoch), rows in logs.items():
        numbers = {row.seq for row in rows} | noted.get((event, epoch), set())
        missing = set(range(1, max(numbers) + 1)) - numbers
        if missing:
            yield f"the log of {event} in epoch {epoch} lacks {sorted(missing)[:5]}, unnoticed"


def old_epochs_alive(history: History) -> Iterator[str]:
    """C15: once a newer epoch of an event is in use, nothing is held in an older one.

    Judged by the buyers' own watches: a hold that was asked for after an entry was written into the
    newer epoch's log.
    """
    in_use: dict[str, dict[int, int]] = defaultdict(dict)
    for row in history.end.holds:
        first = in_use[row.event].get(row.epoch, row.at_ms)
        in_use[row.event][row.epoch] = min(first, row.at_ms)
    # By the first try: who asks again is told of the hold they have, also by a newer epoch. And what was
    # offered with a refusal was held by that, though its name comes only with its acceptance.
    asked = {op.reservation: op.began_ms for op in merged_holds(history)}
    refused: dict[tuple[str, str], list[int]] = defaultdict(list)
    for op in history.of("hold"):
        if op.code == "seats-taken":
            refused[op.fan, op.event].append(op.began_ms)
    offers = {row.reservation for row in history.end.holds if row.kind == "accepted"}
    for row in history.end.holds:
        began_ms = asked.get(row.reservation)
        if row.kind != "held" or began_ms is None:
            continue
        if row.reservation in offers:
            before = [at for at in refused[row.fan, row.event] if at <= row.at_ms]
            began_ms = max(before, default=began_ms)
        for epoch, since in in_use[row.event].items():
            if epoch > row.epoch and began_ms > since:
                yield f"{row.reservation} was held in epoch {row.epoch} after {epoch} had begun"
