"""Where a request may carry its ticket and its pass, and the proof of its device key."""

from collections.abc import Iterator
from contextlib import suppress

from gateway.app_keys import DEVICE_PROOFS, EPOCHS, SETTINGS, TOKENS
from gateway.edge import cookies
from groundwork.device_proof import REPLAY_WINDOW_MS, DeviceProof
from groundwork.errors import (
    DeviceProofInvalid,
    NotAdmitted,
    PassExpired,
    StoreUnavailable,
    TicketInvalid,
)
from groundwork.plain_request import Asking, PlainRequest
from groundwork.tokens import PassClaims, TicketClaims
from lua.keys import spent_key

SCHEMES = ("bearer", "dpop")


def authorization(request: Asking) -> str | None:
    """Return the token of an `Authorization: Bearer` or `DPoP` header, if there is one."""
    header = request.headers.get("Authorization")
    if not header:
        return None
    scheme, _, token = header.partition(" ")
    return (token.strip() or None) if scheme.lower() in SCHEMES else None


def read_ticket(request: Asking, sale_id: str, in_body: str | None = None) -> TicketClaims:
    """Return the fan's ticket for the sale: from the body, the header, or the cookie.

    Raises TicketInvalid when there is none, or none that counts.
    """
    text = in_body or authorization(request) or ticket_cookie(request, sale_id)
    if not text:
        raise TicketInvalid
    return request.app[TOKENS].read_ticket(text, sale_id)


def read_ticket_in_line(request: Asking, sale_id: str, in_body: str | None = None) -> TicketClaims:
    """Return the ticket of a fan who has a place or an entry for the draw.

    Raises TicketInvalid as `read_ticket` does, and for a ticket whose place was given up: it shows
    whose orders are theirs, and nothing else.
    """
    ticket = read_ticket(request, sale_id, in_body)
    if ticket.place is None and ticket.entry_number is None:
        raise TicketInvalid
    return ticket


def find_ticket(request: Asking, sale_id: str) -> TicketClaims | None:
    """Return the ticket that the header or the cookie has for the sale; None without one that counts."""
    if not request.cookies and "Authorization" not in request.headers:
        return None
    text = authorization(request) or ticket_cookie(request, sale_id)
    if text:
        with suppress(TicketInvalid):
            return request.app[TOKENS].read_ticket(text, sale_id)
    return None


def tickets_of(request: Asking) -> Iterator[TicketClaims]:
    """Yield the tickets that count, of whatever sales: the header's, then the cookies', newest first.

    Each text is looked at once: a signature takes a tenth of a millisecond, and anybody may send them.
    """
    told = None
    if text := authorization(request):
        with suppress(TicketInvalid):
            told = request.app[TOKENS].read_ticket(text, None)
            yield told
    yield from tickets_in_cookies(request, beside=told.sale_id if told else None)


def tickets_in_cookies(request: Asking, beside: str | None = None) -> Iterator[TicketClaims]:
    """Yield the tickets of the cookies that count, the newest first, but for that of the sale `beside`."""
    tokens, is_secure = request.app[TOKENS], request.app[SETTINGS].is_secure
    for sale_id in cookies.sales_with(request, cookies.TICKET, is_secure=is_secure):
        if sale_id != beside:
            with suppress(TicketInvalid):
                yield tokens.read_ticket(ticket_cookie(request, sale_id), sale_id)


def ticket_cookie(request: Asking, sale_id: str) -> str:
    """Return the ticket of the sale's cookie, an empty text without one."""
    is_secure = request.app[SETTINGS].is_secure
    return cookies.read(request, cookies.TICKET, sale_id, is_secure=is_secure) or ""


def pass_in_header(request: Asking) -> PassClaims | None:
    """Return the admission pass of the header, if it has one that we signed. Raises PassExpired."""
    text = authorization(request)
    if not text:
        return None
    try:
        return request.app[TOKENS].read_pass(text)
    except NotAdmitted:
        # What is no pass of ours may be the shop's own token, beside which the cookie counts.
        return None


def pass_in_cookie(request: Asking, sale_id: str | None, waiting_room_url: str) -> PassClaims:
    """Return the admission pass of the sale's cookie; of a sale not known, the newest that counts.

    Raises NotAdmitted or PassExpired.
    """
    tokens, is_secure = request.app[TOKENS], request.app[SETTINGS].is_secure
    refusal: NotAdmitted | PassExpired = NotAdmitted(waiting_room_url)
    sales = [sale_id] if sale_id else cookies.sales_with(request, cookies.PASS, is_secure=is_secure)
    for each in sales:
        text = cookies.read(request, cookies.PASS, each, is_secure=is_secure)
        try:
            if text:
                return tokens.read_pass(text, waiting_room_url=waiting_room_url)
        except PassExpired as error:
            refusal = error
        except NotAdmitted:
            pass
    raise refusal


def prove_device(request: Asking, bound_to: str | None) -> DeviceProof | None:
    """Return the proof of the request's device key, or None without one.

    With `bound_to` (a key's thumbprint) only that key's proof will do. Raises DeviceProofInvalid.
    """
    header = request.headers.get("DPoP")
    if header is None:
        if bound_to is not None:
            raise DeviceProofInvalid("missing")
        return None
    # A plain request's path is written as it is.
    path = request.path if isinstance(request, PlainRequest) else request.rel_url.raw_path
    proof = request.app[DEVICE_PROOFS].verify(
        header, request.method, path, request.host, request.scheme
    )
    if bound_to is not None and proof.jkt != bound_to:
        raise DeviceProofInvalid("another-key")
    return proof


async def prove_device_once(request: Asking, admission: PassClaims) -> None:
    """Check the proof of the key that a pass is bound to, and that it is not brought a second time.

    For what no script of the line spends it in. While the store is away a repeated proof is taken: who
    copied one had to read the fan's own connection. Raises DeviceProofInvalid.
    """
    proof = prove_device(request, admission.jkt)
    if proof is None:
        return
    key = spent_key(admission.sale_id, f"device:{proof.replay_key}")
    with suppress(StoreUnavailable):
        store = request.app[EPOCHS].store
        if not await store.call("SET", key, 1, "NX", "PX", REPLAY_WINDOW_MS):
            raise DeviceProofInvalid("replayed")
