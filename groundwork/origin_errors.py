"""Refusals in the name of a shop that does not answer; `groundwork/errors.py` draws the whole tree."""

from dataclasses import dataclass

from groundwork.errors import BookingError


@dataclass(eq=False)
class OriginUnavailable(BookingError):
    """No server of the shop can be asked at this moment; nothing was done, ask again."""

    code = "origin-unavailable"
    retry_after: int


@dataclass(eq=False)
class AnswerLost(BookingError):
    """The shop was asked and did not answer, or nothing that can be read: it may have been done."""

    code = "answer-lost"
