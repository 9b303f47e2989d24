"""What the scripts that hold and swap answer, as values and refusals."""

from typing import Any

from booking_core import metrics
from booking_core.seats.hold import (
    Hold,
    OrphanLeftByIndex,
    SeatsKeptByIndex,
    SeatsTakenByIndex,
    read_hold,
)
from groundwork.counted_soon import count_soon
from groundwork.errors import (
    HoldLost,
    IdempotencyKeyReused,
    OverSeatLimit,
    RequestInProgress,
    SoldOut,
)
from groundwork.seat_errors import HeldLongEnough


def read_hold_answer(name: str, event_id: str, seats_max: int, answer: list[Any]) -> Hold:
    """Return the hold, or raise the refusal that the script answered."""
    said = answer[0]
    if said in ("gone", "lost"):
        raise HoldLost
    if said == "reused":
        raise IdempotencyKeyReused
    if said == "paying":
        raise RequestInProgress(max(1, -(-int(answer[1]) // 1000)))
    count_soon(metrics.HOLDS, event_id, said)
    if said in ("held", "swapped"):
        _, reservation_id, text = answer
        return read_hold(event_id, reservation_id, text)
    match answer:
        case ["taken", str(offer_id), str(offer), *seat_indexes]:
            if offer_id:
                metrics.OFFERS.labels(event_id).inc()
            found = read_hold(event_id, offer_id, offer) if offer_id else None
            raise SeatsTakenByIndex(_indexes(seat_indexes), found)
        case ["taken", *seat_indexes]:
            raise SeatsTakenByIndex(_indexes(seat_indexes))
        case ["kept", *seat_indexes]:
            raise SeatsKeptByIndex(_indexes(seat_indexes))
        case ["orphan", *seat_indexes]:
            raise OrphanLeftByIndex(_indexes(seat_indexes))
        case ["sold_out", _]:
            raise SoldOut
        case ["over_limit", _, _]:
            raise OverSeatLimit(seats_max)
        case ["enough", int(wait_ms)]:
            raise HeldLongEnough(retry_after=-(-wait_ms // 1000))
    raise AssertionError(f"{name}.lua broke its contract: {answer!r}")


def _indexes(answered: list[Any]) -> tuple[int, ...]:
    return tuple(int(seat_index) for seat_index in answered)
