"""Whether a request that changes something was sent by a page of ours, or by no page at all."""

from typing import Final
from urllib.parse import urlsplit

from groundwork.plain_request import Asking

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
# What browsers say of a request by a page of this origin, and of one that a person typed.
OURS: Final = frozenset({"same-origin", "none"})


def is_from_elsewhere(request: Asking, public_url: str) -> bool:
    """Say whether a page of another origin sent this; programs, which send neither header, did not.

    A browser writes both headers itself, and no page can change them. `public_url` is our origin;
    without one it is the Host that was asked for.
    """
    if request.method in SAFE_METHODS:
        return False
    if "Sec-Fetch-Site" in request.headers and request.headers["Sec-Fetch-Site"] not in OURS:
        return True
    if "Origin" not in request.headers:
        return False
    origin = request.headers["Origin"]
    if public_url:
        return origin.lower() != public_url.lower()
    try:
        named = urlsplit(origin).netloc.lower()
    except ValueError:
        return True  # no browser writes such a one
    return named != (request.headers.get("Host") or "").lower()
