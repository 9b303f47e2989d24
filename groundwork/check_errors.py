"""Refusals of the check that some fans meet before they go in; `groundwork/errors.py` draws the tree."""

from dataclasses import dataclass

from groundwork.errors import BookingError


@dataclass(eq=False)
class StepUpNeeded(BookingError):
    """One more check, at `check_url`, in one of these ways; the place stays the fan's meanwhile."""

    code = "step-up-needed"
    reasons: tuple[str, ...]
    ways: tuple[str, ...]
    check_url: str


@dataclass(eq=False)
class StepUpFailed(BookingError):
    """The check did not pass, or it could not be made; another try, or another way, may."""

    code = "step-up-failed"
    reason: str


@dataclass(eq=False)
class MailboxNeeded(BookingError):
    """The sale gives each mailbox one place: confirm yours first, at `mailbox_url`."""

    code = "mailbox-needed"
    mailbox_url: str


@dataclass(eq=False)
class MailCodeInvalid(BookingError):
    """This is not the code that was sent by mail last; another try, or another code, may be."""

    code = "mail-code-invalid"
    reason: str
