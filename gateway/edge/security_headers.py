"""Headers that every answer carries, whatever it is."""

from typing import Final

from aiohttp import web

from gateway.app_keys import POLICY, SETTINGS
from gateway.origin.passed_on import PassedOn
from groundwork.pages import CONTENT_SECURITY_POLICY

HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(self)",
}
# Two years, as the preload list asks; only ever sent when fans come over https.
STRICT_TRANSPORT: Final = "max-age=63072000; includeSubDomains"


def security_headers(*, is_secure: bool) -> dict[str, str]:
    """Return the headers for fans who come over https, or for development over http."""
    headers = {**HEADERS, "Content-Security-Policy": CONTENT_SECURITY_POLICY}
    return {**headers, "Strict-Transport-Security": STRICT_TRANSPORT} if is_secure else headers


# Made once: they are on every answer.
_OVER_HTTPS: Final = security_headers(is_secure=True)
_OVER_HTTP: Final = security_headers(is_secure=False)


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers just before the answer goes out (an on_response_prepare signal)."""
    headers = response.headers
    # What software and version answers here helps nobody but who looks for its weaknesses.
    headers.popall("Server", None)
    if isinstance(response, PassedOn) and not request.app[POLICY].adds_security_headers:
        # Its own decide what its pages may load; ours would break them.
        return
    for name, value in (_OVER_HTTPS if request.app[SETTINGS].is_secure else _OVER_HTTP).items():
        headers.setdefault(name, value)
