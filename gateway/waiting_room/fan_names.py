"""What a fan is called: by their device's key, by their mailbox where the sale asks for one, or anew."""

import hmac
from typing import Final

from gateway.app_keys import KEY_RING, MAILBOXES, SETTINGS, TOKEN_SOURCE
from gateway.edge import cookies
from gateway.edge.credentials import find_ticket
from gateway.waiting_room.access_codes import normalised
from gateway.waiting_room.sales import Sale
from groundwork.base64url import base64url
from groundwork.check_errors import MailboxNeeded
from groundwork.plain_request import Asking

SECRET_NAME: Final = b"fan-id"


def press_of(nonce: str, code: str) -> str:
    """Return what tells the same press from another one, for a fan whom nothing else names.

    Only where a code is used: its one use belongs to a name, and a press that is repeated after a
    failure has to have the same. "" for all others.
    """
    return f"{nonce}:{normalised(code)}" if code.strip() else ""


def fan_id_of(
    request: Asking, sale: Sale, jkt: str | None, mailbox: str = "", press: str = ""
) -> str:
    """Name the fan: by their mailbox in a sale that asks for one, else by their device key.

    Without either by the ticket they have, else by the press, else anew. The name cannot be computed
    by others, so it may be seen by the shop. A new name for each join without key or ticket means that
    a proof of work copied from somebody is spent. `mailbox` is a token; the cookie's counts without it.
    Raises MailboxNeeded.
    """
    if sale.one_per_mailbox:
        return _by_mailbox(request, sale.sale_id, jkt, mailbox)
    if jkt is not None:
        return named(request, f"{sale.sale_id}:key:{jkt}")
    if held := _held(request, sale.sale_id, None):
        return held
    if press:
        return named(request, f"{sale.sale_id}:press:{press}")
    return "f_" + request.app[TOKEN_SOURCE].token()


def named(request: Asking, what: str) -> str:
    """Return the name that only we can make of something."""
    secret = request.app[KEY_RING].secret(SECRET_NAME)
    digest = hmac.digest(secret, what.encode(), "sha256")
    return f"f_{base64url(digest[:16])}"


def mailbox_confirmed(request: Asking, sale_id: str, token: str = "") -> str | None:
    """Return what the fan's mailbox is called in the sale, by a token or by the browser's cookie."""
    is_secure = request.app[SETTINGS].is_secure
    text = token or cookies.read(request, cookies.MAILBOX, sale_id, is_secure=is_secure) or ""
    return request.app[MAILBOXES].read(text, sale_id)


def _by_mailbox(request: Asking, sale_id: str, jkt: str | None, token: str) -> str:
    mailbox = mailbox_confirmed(request, sale_id, token)
    if mailbox is not None:
        return named(request, f"{sale_id}:mailbox:{mailbox}")
    # Who is in line already has confirmed theirs: a code that comes later needs no second mail.
    held = _held(request, sale_id, jkt)
    if held is None:
        raise MailboxNeeded(f"/sales/{sale_id}/mailbox")
    return held


def _held(request: Asking, sale_id: str, jkt: str | None) -> str | None:
    """Return the name of the ticket the browser has, if it is bound to just that key, or to none."""
    ticket = find_ticket(request, sale_id)
    return ticket.fan_id if ticket and ticket.jkt == jkt else None
