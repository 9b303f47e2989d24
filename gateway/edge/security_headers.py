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
# Two years, as the preload list asks; only ever sent when fans come over https, and never for
# localhost: it would count for every server of a developer's machine.
STRICT_TRANSPORT: Final = "max-age=63072000; includeSubDomains"


def security_headers(*, is_strict: bool) -> dict[str, str]:
    """Return the headers; `is_strict`: for fans who come over https and never otherwise."""
    headers = {**HEADERS, "Content-Security-Policy": CONTENT_SECURITY_POLICY}
    return {**headers, "Strict-Transport-Security": STRICT_TRANSPORT} if is_strict else headers


# Made once: they are on every answer.
_STRICT: Final = security_headers(is_strict=True)
_ELSE: Final = security_headers(is_strict=False)


async def add_security_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers just before the answer goes out (an on_response_prepare signal)."""
    headers = response.headers
    # What software and version answers here helps nobody but who looks for its weaknesses.
    headers.popall("Server", None)
    if isinstance(response, PassedOn) and not request.app[POLICY].adds_security_headers:
        # Its own decide what its pages may load; ours would break them.
        return
    for name, value in (_STRICT if request.app[SETTINGS].is_strict else _ELSE).items():
        headers.setdefault(name, value)
