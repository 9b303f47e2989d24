"""What can become of a mail that is not sent: a refusal that fans meet, and one that only we do."""

from dataclasses import dataclass

from groundwork.errors import BookingError


@dataclass(eq=False)
class MailUnavailable(BookingError):
    """No mail can be sent just now; ask again, or take another way."""

    code = "mail-unavailable"
    retry_after: int


class MailRefused(Exception):
    """The mail server will not take this mail, however often it is asked: there is no such mailbox."""
