"""What the shop is told with a request: the fan's headers, less the hop's and ours, plus whence it came."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from aiohttp import web
from multidict import CIMultiDict

from gateway.origin.door import VISIT_HEADER, as_text
from gateway.origin.settings import OriginSettings
from gateway.origin.upstream import Upstream
from groundwork.identity import HEADER_NAME
from groundwork.networks import Ranges

# Headers of one connection, not of the message (RFC 9110 section 7.6.1).
HOP_BY_HOP: Final = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
        "te", "trailer", "transfer-encoding", "upgrade",
    }
)  # fmt: skip
# What only we may say, and what would make some servers see another path than the gate saw.
# `Forwarded` (RFC 7239) goes, too: two accounts of the same fact are one too many.
NOT_THE_FANS: Final = frozenset(
    {
        HEADER_NAME.lower(), VISIT_HEADER.lower(), "host", "content-length", "expect",
        "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix",
        "x-forwarded-proto", "x-forwarded-scheme", "x-forwarded-server", "x-forwarded-ssl",
        "x-original-url", "x-real-ip", "x-rewrite-url",
    }
)  # fmt: skip
NONE_NAMED: Final[frozenset[str]] = frozenset()
DROPPED: Final = HOP_BY_HOP | NOT_THE_FANS
# The handshake is made anew on each side.
OF_THE_HANDSHAKE: Final = frozenset(
    {
        "sec-websocket-accept", "sec-websocket-extensions", "sec-websocket-key",
        "sec-websocket-protocol", "sec-websocket-version",
    }
)  # fmt: skip
# All cookies of the gateway begin so; the prefix is ours in front of any shop.
OUR_COOKIES: Final = ("onsale-", "__host-onsale-")
OUR_ISSUER: Final = "onsale"
# Longer chains are made up; ours is appended to the last so many.
FORWARDED_FOR_MAX: Final = 16


class _Claims(msgspec.Struct):
    iss: str = ""


_CLAIMS: Final = msgspec.json.Decoder(_Claims)


@dataclass(frozen=True, slots=True)
class Whence:
    """Where a request came from, as far as it can be believed."""

    chain: str
    proto: str
    host: str

    @property
    def public_origin(self) -> str:
        """Return the scheme and host that the fan's browser knows."""
        return f"{self.proto}://{self.host}"


class OnwardHeaders:
    """Makes the headers of a request to an upstream."""

    def __init__(self, settings: OriginSettings, public_url: str) -> None:
        self._settings = settings
        self._trusted = Ranges(settings.trusted_networks)
        # The setting is known to be scheme and host, no more.
        self._public_proto, _, self._public_host = public_url.partition("://")

    def whence(self, request: web.Request) -> Whence:
        """Return where the request came from.

        A trusted proxy's word is taken for what is beyond it; everybody else is the fan. The public
        address, where one is set, is the truth about scheme and host: a made-up Host would end up in
        the shop's links.
        """
        peer = request.remote or ""
        chain, proto, host = peer, request.scheme, request.host
        if self._trusted.has(peer):
            before = ", ".join(request.headers.getall("X-Forwarded-For", ()))
            parts = [part.strip() for part in before.split(",") if part.strip()]
            chain = ", ".join([*parts[-FORWARDED_FOR_MAX:], peer])
            claimed = request.headers.get("X-Forwarded-Proto", "").strip().lower()
            proto = claimed if claimed in ("http", "https") else proto
            host = request.headers.get("X-Forwarded-Host", "").strip() or host
        return Whence(chain, self._public_proto or proto, self._public_host or host)

    def of_our_own(self, upstream: Upstream) -> dict[str, str]:
        """Return what a question of the gateway's own says of its address: the same as a fan's.

        A shop that answers to its public name alone would refuse every other one. Where no public
        address is set, there is only the upstream's own.
        """
        is_public = self._settings.origin_host == "public"
        host = self._public_host if is_public else ""
        headers = {"Host": host or upstream.origin.netloc}
        if self._public_host:
            headers["X-Forwarded-Proto"] = self._public_proto
            headers["X-Forwarded-Host"] = self._public_host
        return headers

    def make(
        self, request: web.Request, identity: str, upstream: Upstream, whence: Whence
    ) -> CIMultiDict[str]:
        """Return the headers for the upstream."""
        headers: CIMultiDict[str] = CIMultiDict()
        named = named_by_connection(request.headers.getall("Connection", ()))
        for name, value in request.headers.items():
            lower = name.lower()
            if lower in DROPPED or lower in named or not is_one_name(name):
                continue
            if not self._settings.shop_sees_tokens:
                if lower == "cookie":
                    value = without_our_cookies(value)
                    if not value:
                        continue
                elif lower == "authorization" and is_our_token(value):
                    continue
            headers.add(name, as_text(value))
        is_public = self._settings.origin_host == "public"
        headers["Host"] = whence.host if is_public else upstream.origin.netloc
        headers[HEADER_NAME] = identity
        headers["X-Forwarded-For"] = whence.chain
        headers["X-Forwarded-Proto"] = whence.proto
        headers["X-Forwarded-Host"] = whence.host
        return headers


def is_one_name(name: str) -> bool:
    """Say whether a header's name is letters, digits and hyphens, and so the same name to every shop.

    WSGI and CGI servers and PHP make an underscore of a hyphen, and some of anything else, too:
    to them `X_Forwarded_For` or `X~Forwarded~For` is the `X-Forwarded-For` that only we may say. No
    registered header has such a name.
    """
    return name.isascii() and name.replace("-", "").isalnum()


def named_by_connection(values: Sequence[str]) -> frozenset[str]:
    """Return the headers that a Connection header declares to be the hop's, in lower case."""
    if not values:  # most often
        return NONE_NAMED
    return frozenset(name.strip().lower() for value in values for name in value.split(","))


def without_our_cookies(text: str) -> str:
    """Return a Cookie header without the gateway's own cookies."""
    if "onsale-" not in text.lower():
        return text
    pairs = [pair.strip() for pair in text.split(";")]
    return "; ".join(pair for pair in pairs if pair and not pair.lower().startswith(OUR_COOKIES))


def is_our_token(authorization: str) -> bool:
    """Say whether an Authorization header carries a ticket or pass of ours, valid or not."""
    scheme, _, token = authorization.partition(" ")
    parts = token.strip().split(".")
    if scheme.lower() not in ("bearer", "dpop") or len(parts) != 3:
        return False
    try:
        claims = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return _CLAIMS.decode(claims).iss == OUR_ISSUER
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
