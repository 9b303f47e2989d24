"""Where a request may carry its ticket and its pass, and the proof of its device key."""

from aiohttp import web

from gateway.app_keys import DEVICE_PROOFS, SETTINGS, TOKENS
from gateway.edge import cookies
from groundwork.device_proof import DeviceProof
from groundwork.errors import DeviceProofInvalid, NotAdmitted, TicketInvalid
from groundwork.tokens import PassClaims, TicketClaims

SCHEMES = ("bearer", "dpop")


def authorization(request: web.Request) -> str | None:
    """Return the token of an `Authorization: Bearer` or `DPoP` header, if there is one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() in SCHEMES and token.strip() else None


def read_ticket(request: web.Request, sale_id: str, in_body: str | None = None) -> TicketClaims:
    """Return the fan's ticket for the sale: from the body, the header, or the cookie.

    Raises TicketInvalid when there is none, or none that counts.
    """
    is_secure = request.app[SETTINGS].is_secure
    text = (
        in_body
        or authorization(request)
        or cookies.read(request, cookies.TICKET, is_secure=is_secure)
    )
    if not text:
        raise TicketInvalid
    return request.app[TOKENS].read_ticket(text, sale_id)


def read_pass(request: web.Request, waiting_room_url: str) -> PassClaims:
    """Return the fan's admission pass. Raises NotAdmitted or PassExpired."""
    is_secure = request.app[SETTINGS].is_secure
    text = authorization(request) or cookies.read(request, cookies.PASS, is_secure=is_secure)
    if not text:
        raise NotAdmitted(waiting_room_url)
    return request.app[TOKENS].read_pass(text, waiting_room_url=waiting_room_url)


def prove_device(request: web.Request, bound_to: str | None) -> DeviceProof | None:
    """Return the proof of the request's device key, or None without one.

    With `bound_to` (a key's thumbprint) only that key's proof will do. Raises DeviceProofInvalid.
    """
    header = request.headers.get("DPoP")
    if header is None:
        if bound_to is not None:
            raise DeviceProofInvalid("missing")
        return None
    proof = request.app[DEVICE_PROOFS].verify(
        header, request.method, request.rel_url.raw_path, request.host, request.scheme
    )
    if bound_to is not None and proof.jkt != bound_to:
        raise DeviceProofInvalid("another-key")
    return proof
