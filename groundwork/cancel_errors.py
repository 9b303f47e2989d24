"""Refusals to end a sale; `groundwork/errors.py` draws the whole tree."""

from dataclasses import dataclass

from groundwork.errors import BookingError


@dataclass(eq=False)
class CancelRefused(BookingError):
    """The order stays as it is, for a reason the fan may read.

    not-allowed: the event does not let fans cancel; too-late: not any more; not-sold: it is no sale.
    """

    code = "cancel-refused"
    reason: str
