"""What the fan is told with the shop's answer: its headers, less the hop's, with addresses made public."""

from collections.abc import Callable, Iterable
from typing import Final

from aiohttp import ClientResponse
from multidict import CIMultiDict

from gateway.origin.door import VISIT_HEADER
from gateway.origin.onward_headers import HOP_BY_HOP, OUR_COOKIES, named_by_connection
from gateway.origin.upstream import Upstream

# Headers that hold an address of the shop.
ADDRESSES: Final = frozenset({"location", "content-location"})
NOT_FOR_FANS: Final = HOP_BY_HOP | {VISIT_HEADER.lower()}
# What may follow the host in an address.
AFTER_HOST: Final = ("/", "?", "#")


def answer_headers(
    answer: ClientResponse, upstreams: Iterable[Upstream], public_origin: str
) -> CIMultiDict[str]:
    """Return the headers for the fan; VISIT_HEADER is not among them."""
    headers: CIMultiDict[str] = CIMultiDict()
    named = named_by_connection(answer.headers.getall("Connection", ()))
    for name, value in answer.headers.items():
        lower = name.lower()
        if lower in NOT_FOR_FANS or lower in named:
            continue
        if lower in ADDRESSES:
            value = public_address(value, upstreams, public_origin)
        elif lower == "set-cookie":
            # The names of our own cookies are not the shop's to give.
            if value.lower().lstrip().startswith(OUR_COOKIES):
                continue
            value = for_the_public_host(value, upstreams)
        headers.add(name, value)
    return headers


def public_address(value: str, upstreams: Iterable[Upstream], public_origin: str) -> str:
    """Return the address with an upstream's own origin replaced by the one fans know."""
    lower = value.lower()
    if not lower.startswith(("http://", "https://", "//")):
        return value
    for upstream in upstreams:
        for origin in (f"{upstream.origin.scheme}://{upstream.origin.netloc}", upstream.base):
            for start in (origin.lower(), origin.partition(":")[2].lower()):
                rest = value[len(start) :]
                if lower.startswith(start) and (not rest or rest.startswith(AFTER_HOST)):
                    return public_origin + rest
    return value


def for_the_public_host(cookie: str, upstreams: Iterable[Upstream]) -> str:
    """Return a Set-Cookie without a Domain that names an upstream: no browser would take it."""
    if "domain" not in cookie.lower():
        return cookie
    hosts = {up.origin.host for up in upstreams} | {up.address for up in upstreams}
    return without_attributes(cookie, lambda name, value: name == "domain" and value in hosts)


def without_attributes(cookie: str, is_out: Callable[[str, str], bool]) -> str:
    """Return a Set-Cookie without the attributes that are out; its first pair is the cookie itself."""
    first, *attributes = cookie.split(";")
    kept = [first]
    for attribute in attributes:
        name, _, value = attribute.partition("=")
        if not is_out(name.strip().lower(), value.strip().lstrip(".").lower()):
            kept.append(attribute)
    return ";".join(kept)
