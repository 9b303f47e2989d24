"""One more check before going in, for the few fans of whom too much speaks for a program."""

import hashlib
from collections.abc import Collection
from typing import Final

from aiohttp import web

from gateway import metrics
from gateway.app_keys import (
    CAPTCHA,
    LIMITS,
    MAIL_CODES,
    PROOF_OF_WORK,
    ROOMS,
    SIGNAL_NOTES,
    WAIT_TOKENS,
)
from gateway.bot_checks.limits import CAPTCHAS, CAPTCHAS_OF_SALE
from gateway.bot_checks.limits import MAIL_CODES as MAIL_CODES_LIMIT
from gateway.bot_checks.proof_of_work import STEPPING_UP
from gateway.bot_checks.signals import (
    SEATS_CAP,
    SEATS_CAPPED_FROM,
    STEP_UP_FROM,
    UNBOUND,
    against,
    score,
)
from gateway.edge.asking import spend
from gateway.edge.credentials import prove_device, read_ticket
from gateway.waiting_room.allowances import STEP_UP_WAITS
from gateway.waiting_room.code_mails import address_typed, send_code
from gateway.waiting_room.spent_proofs import spend_proof, spend_wait
from gateway.waiting_room.watching import NOTED_FROM, note, signals_of
from groundwork.check_errors import MailCodeInvalid, StepUpFailed, StepUpNeeded
from groundwork.errors import BotCheckFailed, StoreUnavailable
from groundwork.tokens import TicketClaims

# Work of some seconds more: nothing to see, nothing to hear, nothing to solve by hand.
WORK: Final = "work"
# Somebody else's widget, where one was set up.
CAPTCHA_WAY: Final = "captcha"
# A code that comes by e-mail, where mail can be sent.
MAIL_WAY: Final = "mail"
# For browsers without scripts: a minute instead of the ten seconds of joining.
WAIT: Final = "wait"
WAIT_MS: Final = 60_000


async def noted(request: web.Request, ticket: TicketClaims) -> frozenset[str]:
    """Return what was noted of a fan, also on the device that the place came from.

    And that no key stands behind their ticket, where the sale has such fans checked: that is as the
    sale says now, and written down nowhere.
    """
    names = {ticket.fan_id, ticket.entered_as or ticket.fan_id}
    codes = await request.config_dict[SIGNAL_NOTES].of(ticket.sale_id, *names)
    sale = request.config_dict[ROOMS].room(ticket.sale_id).sale
    if sale.step_up_unbound and ticket.jkt is None:
        codes = codes - {"no-device-key"} | {UNBOUND}
    # Somebody knows the holder of a code, so that it speaks for them.
    return codes | {"access-code"} if ticket.lane else codes


async def refuse_unchecked(request: web.Request, ticket: TicketClaims) -> int | None:
    """Return how many seats the fan may have at most, None for as many as all others.

    Raises StepUpNeeded. A database that is away is our failure, and stops nobody.
    """
    try:
        codes = await noted(request, ticket)
        if await note_what_is_new(request, ticket, codes):
            # What could not be written down is held against nobody: the check's page would not know it.
            codes = await noted(request, ticket)
    except StoreUnavailable:
        return None
    if is_needed(codes):
        metrics.BOT_CHECKS.labels(ticket.sale_id, "step_up", "asked").inc()
        raise StepUpNeeded(against(codes), ways(request), f"/sales/{ticket.sale_id}/check")
    # A browser that keeps no key is no reason for fewer seats: it has passed the check.
    is_heavy = score(codes - {"stepped-up", UNBOUND}) >= SEATS_CAPPED_FROM
    return SEATS_CAP if is_heavy else None


async def note_what_is_new(
    request: web.Request, ticket: TicketClaims, codes: Collection[str]
) -> bool:
    """Write down what is seen of a fan at the door and was not before, and say whether there is any.

    A person joins and a program comes in, or a farm joins from homes and shops from its data centre.
    """
    seen = signals_of(request)
    new = against(seen - set(codes))
    if not new or score(seen) < NOTED_FROM:
        return False
    await note(request, ticket.sale_id, ticket.fan_id, new)
    return True


def is_needed(codes: Collection[str]) -> bool:
    """Say whether a fan has to pass one more check."""
    return score(codes) >= STEP_UP_FROM


def ways(request: web.Request) -> tuple[str, ...]:
    """Return in which ways the check can be passed, the easiest first."""
    has_captcha = bool(request.config_dict[CAPTCHA].kind)
    has_mail = request.config_dict[MAIL_CODES].is_on
    return (WORK, WAIT) + (MAIL_WAY,) * has_mail + (CAPTCHA_WAY,) * has_captcha


def bound_to(ticket: TicketClaims) -> str:
    """Return what a CAPTCHA's widget is given, so that its answer is of use to this fan alone."""
    return hashlib.sha256(f"{ticket.sale_id}:{ticket.fan_id}".encode()).hexdigest()[:32]


def code_name(ticket: TicketClaims) -> str:
    """Return what a code is called that only this fan can use, and only for the check."""
    return f"step-up:{ticket.fan_id}"


async def ask_for_code(
    request: web.Request, sale_id: str, ticket_text: str | None, email: str
) -> None:
    """Send the fan a code for the check.

    Raises RequestInvalid, TicketInvalid, DeviceProofInvalid, MailUnavailable, TooManyRequests.
    """
    ticket = read_ticket(request, sale_id, ticket_text)
    prove_device(request, ticket.jkt)
    address = address_typed(email)
    await spend(request, MAIL_CODES_LIMIT, sale_id, ticket.fan_id)
    await send_code(request, sale_id, code_name(ticket), address)


async def step_up(
    request: web.Request, sale_id: str, ticket_text: str | None, way: str, answer: str
) -> None:
    """Take the answer to the check; from then on nothing that was noted stops the fan. Safe to repeat.

    Raises TicketInvalid, DeviceProofInvalid, BotCheckFailed, StepUpFailed, MailCodeInvalid,
    TooManyRequests, StoreUnavailable.
    """
    ticket = read_ticket(request, sale_id, ticket_text)
    prove_device(request, ticket.jkt)
    if way == CAPTCHA_WAY and not is_needed(await noted(request, ticket)):
        return  # no reason for a call that somebody pays for, and nothing was shown either
    try:
        match way:
            case "work":
                await _check_work(request, ticket, answer)
            case "wait":
                await _check_wait(request, ticket, answer)
            case "captcha":
                await _check_captcha(request, ticket, answer)
            case "mail":
                codes = request.config_dict[MAIL_CODES]
                await codes.check(sale_id, code_name(ticket), answer)
            case _:
                raise StepUpFailed("unknown-way")
    except (BotCheckFailed, StepUpFailed, MailCodeInvalid):
        metrics.BOT_CHECKS.labels(sale_id, "step_up", "refused").inc()
        raise
    metrics.BOT_CHECKS.labels(sale_id, "step_up", "passed").inc()
    await request.config_dict[SIGNAL_NOTES].note(sale_id, ticket.fan_id, ["stepped-up"])


async def _check_work(request: web.Request, ticket: TicketClaims, answer: str) -> None:
    solved = request.config_dict[PROOF_OF_WORK].check(
        answer, ticket.sale_id, ticket.jkt, STEPPING_UP
    )
    await spend_proof(request, ticket.sale_id, solved.nonce, ticket.fan_id)


async def _check_wait(request: web.Request, ticket: TicketClaims, answer: str) -> None:
    nonce = request.config_dict[WAIT_TOKENS].check(answer, ticket.sale_id, WAIT_MS, STEPPING_UP)
    await spend_wait(request, STEP_UP_WAITS, ticket.sale_id, nonce, ticket.fan_id)


async def _check_captcha(request: web.Request, ticket: TicketClaims, answer: str) -> None:
    captcha = request.config_dict[CAPTCHA]
    if captcha.would_ask(answer):
        await spend(request, CAPTCHAS, ticket.sale_id, ticket.fan_id)
        await request.config_dict[LIMITS].spend(
            CAPTCHAS_OF_SALE, ticket.sale_id, own=ticket.sale_id
        )
    await captcha.check(answer, bound_to(ticket))
