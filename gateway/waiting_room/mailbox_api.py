"""Confirming a mailbox before joining, for sales that give each mailbox one place."""

import re
from typing import Final

import msgspec
from aiohttp import web

from gateway.app_keys import (
    CLOCK,
    MAIL_CODES,
    MAILBOXES,
    PROOF_OF_WORK,
    ROOMS,
    SETTINGS,
    TOKEN_SOURCE,
    WAIT_TOKENS,
)
from gateway.bot_checks.limits import MAIL_CODES as MAIL_CODES_LIMIT
from gateway.bot_checks.mail_codes import CODE_MS
from gateway.edge import cookies
from gateway.edge.asking import spend
from gateway.waiting_room.allowances import MAILBOX_WAITS
from gateway.waiting_room.api import Text, moment_of
from gateway.waiting_room.code_mails import address_typed, send_code
from gateway.waiting_room.sales import Sale
from gateway.waiting_room.spent_proofs import spend_proof, spend_wait
from groundwork.check_errors import MailCodeInvalid
from groundwork.errors import (
    BotCheckFailed,
    NotFound,
    RequestInvalid,
    SaleNotFound,
    StoreUnavailable,
    TooManyRequests,
)
from groundwork.mail_address import MailAddress
from groundwork.mail_errors import MailUnavailable
from groundwork.operations import ApiRoutes
from groundwork.typed_answers import Accepted, Json

routes = ApiRoutes("Waiting room")

# As our names for askings look; nothing else becomes part of a key.
ASKED: Final = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)


class AskBody(msgspec.Struct, frozen=True):
    """Where a code is to be sent, and the work that was done for it."""

    email: Text
    altcha: Text


class ConfirmBody(msgspec.Struct, frozen=True):
    """What was asked, and the code that came."""

    asked: Text
    code: Text


class AskedDocument(msgspec.Struct, frozen=True):
    """A code is on its way: what it is asked by, and for how long it counts."""

    asked: str
    expires_in_ms: int


class MailboxDocument(msgspec.Struct, frozen=True):
    """What to join with."""

    mailbox: str
    expires_at: str


@routes.post(
    "/api/sales/{sale}/mailbox/code",
    refuses=[
        *(SaleNotFound, NotFound, RequestInvalid, BotCheckFailed, MailUnavailable),
        *(TooManyRequests, StoreUnavailable),
    ],
)
async def ask(request: web.Request, body: AskBody) -> Accepted[AskedDocument]:
    """Send a code that confirms a mailbox; the answer says nothing about that."""
    sale = sale_that_asks(request)
    asked = await send_for_work(request, sale, body.email, body.altcha)
    return Accepted(AskedDocument(asked, CODE_MS))


@routes.post(
    "/api/sales/{sale}/mailbox",
    refuses=[SaleNotFound, NotFound, MailCodeInvalid, StoreUnavailable],
)
async def confirm(request: web.Request, body: ConfirmBody) -> Json[MailboxDocument]:
    """Give whoever has the code a token for their mailbox, to join with."""
    sale = sale_that_asks(request)
    token = await confirmed(request, sale, body.asked, body.code)
    ends_at_ms = request.config_dict[CLOCK].now_ms() + request.config_dict[SETTINGS].ticket_ms
    response = Json(MailboxDocument(token, moment_of(ends_at_ms)))
    give_mailbox(request, response, sale.sale_id, token)
    return response


def sale_that_asks(request: web.Request) -> Sale:
    """Return the sale, if it gives each mailbox one place. Raises SaleNotFound, NotFound."""
    sale = request.config_dict[ROOMS].room(request.match_info["sale"]).sale
    if not sale.one_per_mailbox:
        raise NotFound
    return sale


async def send_for_work(request: web.Request, sale: Sale, email: str, altcha: str) -> str:
    """Send a code for a proof of work, and return what the asking is called.

    Raises RequestInvalid, BotCheckFailed, MailUnavailable, TooManyRequests.
    """
    address = address_typed(email)
    solved = request.config_dict[PROOF_OF_WORK].check(altcha, sale.sale_id)
    return await _send(request, sale, address, solved.nonce, _new_asking(request))


async def send_for_wait(request: web.Request, sale: Sale, email: str, wait_token: str) -> str:
    """Send a code to who has waited a moment instead of computing. Raises as `send_for_work` does."""
    address = address_typed(email)
    nonce = request.config_dict[WAIT_TOKENS].check(wait_token, sale.sale_id)
    asked = _new_asking(request)
    await spend_wait(request, MAILBOX_WAITS, sale.sale_id, nonce, asked)
    return await _send(request, sale, address, nonce, asked)


def _new_asking(request: web.Request) -> str:
    asked: str = request.config_dict[TOKEN_SOURCE].token()
    return asked


async def _send(
    request: web.Request, sale: Sale, address: MailAddress, nonce: str, asked: str
) -> str:
    sale_id = sale.sale_id
    await spend(request, MAIL_CODES_LIMIT, sale_id)
    # Each work sends one mail.
    await spend_proof(request, sale_id, nonce, asked)
    await send_code(request, sale_id, code_name(asked), address)
    return asked


def code_name(asked: str) -> str:
    """Return what a code is called that only who asked for it can use, and only to join."""
    return f"join:{asked}"


async def confirmed(request: web.Request, sale: Sale, asked: str, code: str) -> str:
    """Return a token for the mailbox that the code was sent to. Raises MailCodeInvalid."""
    if not ASKED.fullmatch(asked):
        raise MailCodeInvalid("expired")
    codes = request.config_dict[MAIL_CODES]
    mailbox = await codes.check(sale.sale_id, code_name(asked), code)
    return request.config_dict[MAILBOXES].issue(sale.sale_id, mailbox)


def give_mailbox(
    request: web.Request, response: web.StreamResponse, sale_id: str, token: str
) -> None:
    """Set the cookie that the browser joins with."""
    settings = request.config_dict[SETTINGS]
    seconds = settings.ticket_ms // 1000
    cookies.give(
        request, response, cookies.MAILBOX, sale_id, token, seconds, is_secure=settings.is_secure
    )
