"""Why PostgreSQL claimed nothing, in our words."""

import msgspec
import psycopg

from groundwork.errors import OverSeatLimit, SeatsTaken, SoldOut, TooManyRequests

# By then the oldest of the attempts is over, and its card may have been changed.
ATTEMPTS_RETRY_SECONDS = 60


def raise_refusal(error: psycopg.Error, seats_max: int) -> None:
    """Raise the refusal that an exception of a claiming function stands for, if it is one."""
    match error.sqlstate:
        case "ON001":
            taken = msgspec.json.decode(error.diag.message_detail or "[]", type=list[str])
            raise SeatsTaken(tuple(taken)) from error
        case "ON002":
            raise SoldOut from error
        case "ON003":
            raise TooManyRequests(ATTEMPTS_RETRY_SECONDS) from error
        case "ON004":
            raise OverSeatLimit(seats_max) from error
