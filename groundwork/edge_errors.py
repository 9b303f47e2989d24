"""Refusals of who asks and from where; `groundwork/errors.py` draws the whole tree."""

from dataclasses import dataclass

from groundwork.errors import BookingError


@dataclass(eq=False)
class NotSignedIn(BookingError):
    """Nobody is signed in, or with a name, password, session or token that does not count."""

    code = "not-signed-in"


@dataclass(eq=False)
class NotAllowed(BookingError):
    """Who asks is known, and may not do this."""

    code = "not-allowed"
    needs: str


@dataclass(eq=False)
class UnknownHost(BookingError):
    """The request names a host that is none of ours."""

    code = "unknown-host"


@dataclass(eq=False)
class RequestMalformed(BookingError):
    """The request could be read in two ways; nobody knows where the next one would begin."""

    code = "request-malformed"
    header: str


@dataclass(eq=False)
class CrossSite(BookingError):
    """The request was sent by a page of another site."""

    code = "cross-site"
