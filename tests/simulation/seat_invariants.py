"""What must be true of an event's seats at every moment, read from the stores alone."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.simulation.seats_in_redis import SeatsInRedis

# What readers of the log make of a seat; to them an accessible place that nobody has is free.
CODE_OF = {
    "held": "1", "swapped": "1", "expired": "0", "released": "0", "opened": "0", "sold": "2",
    "blocked": "3",
}  # fmt: skip
AS_READ = str.maketrans("45", "00")


def as_dict(answer: Any) -> dict[str, Any]:
    """Return a hash, or a sorted set with scores, in whichever shape the client gives it."""
    if isinstance(answer, dict):
        return answer
    if answer and isinstance(answer[0], list | tuple):
        return dict(answer)
    return dict(zip(answer[0::2], answer[1::2], strict=True))


class Books:
    """Everything Redis has of an event, read as one."""

    def __init__(self, answers: list[Any], log: list[dict[str, str]] | None) -> None:
        meta, status, holders, reservations, expiries, counts, stock = answers
        self.seq = int(as_dict(meta).get("seq", 0))
        self.status: str = status or ""
        self.holders: dict[str, str] = as_dict(holders)
        self.reservations = {k: json.loads(v) for k, v in as_dict(reservations).items()}
        self.expiries = {k: int(float(v)) for k, v in as_dict(expiries).items()}
        self.fan_counts = {k: int(v) for k, v in as_dict(counts).items()}
        self.stock = {k: int(v) for k, v in as_dict(stock).items()}
        self.log = log


async def read_books(event: SeatsInRedis, *, has_log: bool = True) -> Books:
    """Read everything of an event; its log may be left alone, for it only grows."""
    call, keys = event.call.store.call, event.keys
    answers = [
        await call("HGETALL", keys["meta"]),
        await call("GET", keys["status"]),
        await call("HGETALL", keys["holders"]),
        await call("HGETALL", keys["reservations"]),
        await call("ZRANGE", keys["expiries"], 0, -1, "WITHSCORES"),
        await call("HGETALL", keys["fan_counts"]),
        await call("HGETALL", keys["stock"]),
    ]
    return Books(answers, await event.log() if has_log else None)


def check_books(
    books: Books,
    *,
    sold_seats: Mapping[int, str],
    sold_stock: Mapping[str, int],
    capacity: Mapping[str, int],
    allotment: str = "",
    first_allotment: str = "",
) -> None:
    """Raise AssertionError, saying what is wrong. What is sold comes from the ledger: seat -> fan.

    The allotment is what seats are for, and were from the beginning unless that is told apart; ""
    means anybody.
    """
    allotment = allotment or "0" * len(books.status)
    held: dict[int, str] = {}
    for reservation_id, reservation in books.reservations.items():
        for seat in reservation["seats"]:
            assert seat not in held, f"seat {seat} is held twice"
            held[seat] = reservation_id
    assert books.holders == {str(seat): name for seat, name in held.items()}, "holders differ"
    for seat, digit in enumerate(books.status):
        expected = "2" if seat in sold_seats else "1" if seat in held else allotment[seat]
        assert digit == expected, f"seat {seat} is shown as {digit}, and is {expected}"
    assert not held.keys() & sold_seats.keys(), "a sold seat is held"
    assert {k: v["expires_at_ms"] for k, v in books.reservations.items()} == books.expiries
    _check_stock(books, sold_stock, capacity)
    if books.log is not None:
        _check_log(books.log, books, first_allotment or allotment)


def _check_stock(books: Books, sold_stock: Mapping[str, int], capacity: Mapping[str, int]) -> None:
    held: Counter[str] = Counter()
    for reservation in books.reservations.values():
        if reservation.get("tier"):
            held[reservation["tier"]] += reservation["quantity"]
    for tier, total in capacity.items():
        found = books.stock[tier] + held[tier] + sold_stock.get(tier, 0)
        assert found == total, f"of {total} {tier} there are {found}"


def check_counts(books: Books, bought: Mapping[str, int]) -> None:
    """Raise AssertionError unless each fan's count is what they hold and bought."""
    counts = Counter(bought)
    for reservation in books.reservations.values():
        counts[reservation["fan_id"]] += reservation.get("quantity") or len(reservation["seats"])
    assert books.fan_counts == {fan: count for fan, count in counts.items() if count}, (
        "fan_counts differ from what fans hold and bought"
    )


def _check_log(log: list[dict[str, str]], books: Books, allotment: str) -> None:
    assert [int(entry["seq"]) for entry in log] == list(range(1, books.seq + 1)), (
        "a number of the log is missing"
    )
    replayed = list(allotment.translate(AS_READ))
    for entry in log:
        code, what = CODE_OF.get(entry["kind"]), json.loads(entry["reservation"])
        for seat in what.get("left", ()):
            replayed[seat] = "0"
        if code is not None:
            for seat in what["seats"]:
                replayed[seat] = code
    assert "".join(replayed) == books.status.translate(AS_READ), (
        "the log does not lead to the status"
    )
    _check_endings(log)


def _check_endings(log: list[dict[str, str]]) -> None:
    """A hold ends before its time only by its fan's wish, or by the sale of one of its seats."""
    for position, entry in enumerate(log):
        hold = json.loads(entry["reservation"])
        if entry["kind"] != "expired" or int(entry["at"]) >= hold["expires_at_ms"]:
            continue
        after = [later for later in log[position:] if later["kind"] not in ("expired", "blocked")]
        ended_by = json.loads(after[0]["reservation"]) if after else {"seats": []}
        is_sale = bool(after) and after[0]["kind"] == "sold"
        assert is_sale and set(hold["seats"]) & set(ended_by["seats"]), (
            f"a live hold was ended: {entry['reservation_id']}"
        )
