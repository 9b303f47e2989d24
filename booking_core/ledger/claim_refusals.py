"""Why PostgreSQL claimed nothing, in our words."""

import msgspec

from groundwork.errors import BookingError, OverSeatLimit, SeatsTaken, SoldOut, TooManyRequests

# By then the oldest of the attempts is over, and its card may have been changed.
ATTEMPTS_RETRY_SECONDS = 60


def refusal_of(code: str | None, detail: str | None, seats_max: int) -> BookingError | None:
    """Return the refusal that an exception of a claiming function stands for, if it is one."""
    match code:
        case "ON001":
            return SeatsTaken(tuple(msgspec.json.decode(detail or "[]", type=list[str])))
        case "ON002":
            return SoldOut()
        case "ON003":
            return TooManyRequests(ATTEMPTS_RETRY_SECONDS)
        case "ON004":
            return OverSeatLimit(seats_max)
    return None
