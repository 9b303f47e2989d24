"""Refusals of wishes for seats that are free; `groundwork/errors.py` draws the whole tree."""

from dataclasses import dataclass

from groundwork.errors import BookingError


@dataclass(eq=False)
class SeatsKept(BookingError):
    """These are kept for fans who need an accessible place, or who come with one; none was held."""

    code = "seats-kept"
    seat_ids: tuple[str, ...]


@dataclass(eq=False)
class LeavesOrphan(BookingError):
    """The wish would leave a single seat alone between others; taking `instead` would not."""

    code = "leaves-orphan"
    instead: tuple[str, ...]


@dataclass(eq=False)
class HeldLongEnough(BookingError):
    """The fan has held places of the event for as long as one may; soon they may again."""

    code = "held-long-enough"
    retry_after: int
