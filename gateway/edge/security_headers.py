"""Headers that every answer carries, whatever it is."""

from typing import Final

from aiohttp import web

from gateway.app_keys import SETTINGS
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


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers just before the answer goes out (an on_response_prepare signal)."""
    # What software and version answers here helps nobody but who looks for its weaknesses.
    response.headers.popall("Server", None)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
    if request.app[SETTINGS].is_secure:
        response.headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)
