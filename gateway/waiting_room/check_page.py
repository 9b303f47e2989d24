"""The page of the check before going in: why, in which ways, and what to say to whoever is asked."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from aiohttp import web

from gateway.app_keys import CAPTCHA, CLOCK, MAIL_CODES, RENDERER, ROOMS, WAIT_TOKENS
from gateway.bot_checks.captcha import Provider
from gateway.bot_checks.mail_codes import CODE_MS
from gateway.bot_checks.proof_of_work import STEPPING_UP
from gateway.bot_checks.signals import against
from gateway.pages.check_view import CaptchaView, CheckPage
from gateway.waiting_room import stepping_up
from gateway.waiting_room.api import TICKET_OR_BODY, Text
from gateway.waiting_room.brand_pages import brand_view
from gateway.waiting_room.code_mails import MAIL_REFUSALS, mail_reason, page_answer
from gateway.waiting_room.page import event_wanted, led_to, see_other, ticket_if_any
from groundwork.bodies import read_form
from groundwork.check_errors import MailCodeInvalid, StepUpFailed
from groundwork.errors import (
    BotCheckFailed,
    DeviceProofInvalid,
    RequestInvalid,
    SaleNotFound,
    StoreUnavailable,
    TicketInvalid,
    TooManyRequests,
)
from groundwork.mail_errors import MailUnavailable
from groundwork.operations import DPOP, ApiRoutes
from groundwork.pages import CONTENT_SECURITY_POLICY, html_response
from groundwork.typed_answers import Accepted, NoContent

routes = web.RouteTableDef()
api_routes = ApiRoutes("Waiting room")

# What a widget loads: itself, its styles, its pictures, and what it asks its own server.
OPENED: Final = frozenset({"script-src", "style-src", "connect-src", "img-src"})
NAMES: Final[Mapping[str, str]] = {
    "turnstile": "Cloudflare Turnstile",
    "hcaptcha": "hCaptcha",
    "recaptcha": "Google reCAPTCHA",
    "friendly": "Friendly Captcha",
}
# The ways that have words of their own for being refused.
MAIL_WAYS: Final = ("mail-ask", stepping_up.MAIL_WAY)


class StepUpBody(msgspec.Struct, frozen=True):
    """What a step-up says: the way that was gone, and what came of it."""

    way: Annotated[str, msgspec.Meta(max_length=32)]
    answer: Text
    ticket: Text | None = None


@api_routes.post(
    "/api/sales/{sale}/step-up",
    refuses=[
        *(SaleNotFound, TicketInvalid, DeviceProofInvalid, BotCheckFailed, StepUpFailed),
        *(MailCodeInvalid, TooManyRequests, StoreUnavailable),
    ],
    headers=[DPOP],
    credential=TICKET_OR_BODY,
)
async def step_up(request: web.Request, body: StepUpBody) -> NoContent:
    """Take the answer to a check; afterwards admission asks for none."""
    sale_id = request.config_dict[ROOMS].room(request.match_info["sale"]).sale.sale_id
    await stepping_up.step_up(request, sale_id, body.ticket, body.way, body.answer)
    return NoContent()


class CodeBody(msgspec.Struct, frozen=True):
    """Where a code for the check is to be sent."""

    email: Text
    ticket: Text | None = None


class CodeSentDocument(msgspec.Struct, frozen=True):
    """A code is on its way, and counts for so long."""

    expires_in_ms: int


@api_routes.post(
    "/api/sales/{sale}/step-up/code",
    refuses=[
        *(SaleNotFound, RequestInvalid, TicketInvalid, DeviceProofInvalid, MailUnavailable),
        *(TooManyRequests, StoreUnavailable),
    ],
    headers=[DPOP],
    credential=TICKET_OR_BODY,
)
async def step_up_code(request: web.Request, body: CodeBody) -> Accepted[CodeSentDocument]:
    """Send a code that counts as the check; the answer says nothing about the mailbox."""
    sale_id = request.config_dict[ROOMS].room(request.match_info["sale"]).sale.sale_id
    await stepping_up.ask_for_code(request, sale_id, body.ticket, body.email)
    return Accepted(CodeSentDocument(CODE_MS))


@routes.get("/sales/{sale}/check")
async def check_page(request: web.Request) -> web.Response:
    """Show what is asked for and why; who is asked for nothing goes on to the waiting page."""
    return await show(request)


@routes.post("/sales/{sale}/check")
async def check_form(request: web.Request) -> web.Response:
    """Take the check of a fan without JavaScript: a minute's wait, or a code out of a mail."""
    sale_id = request.config_dict[ROOMS].room(request.match_info["sale"]).sale.sale_id
    form = await read_form(request)
    way = form.get("way", "")
    if ticket_if_any(request, sale_id) is None:
        return see_other(request, sale_id)
    try:
        if way == "mail-ask":
            await stepping_up.ask_for_code(request, sale_id, None, form.get("email", ""))
            return await show(request, is_code_sent=True)
        await stepping_up.step_up(request, sale_id, None, way, answer_in(request, form, way))
    except (BotCheckFailed, StepUpFailed) as refusal:
        return await show(request, refusal=refusal.reason, status=403)
    except MAIL_REFUSALS as refusal:
        status, headers = page_answer(refusal)
        if isinstance(refusal, TooManyRequests) and way not in MAIL_WAYS:
            return await show(request, is_limited=True, status=status, headers=headers)
        has_code = isinstance(refusal, MailCodeInvalid) and refusal.reason == "wrong"
        return await show(
            request,
            mail_refusal=mail_reason(refusal),
            is_code_sent=has_code,
            status=status,
            headers=headers,
        )
    except DeviceProofInvalid:  # pressed before the page's script was there
        return led_to(request, f"/sales/{sale_id}/check")
    return see_other(request, sale_id)


def answer_in(request: web.Request, form: Mapping[str, str], way: str) -> str:
    """Return what a form says for a way: each has a field of its own."""
    provider = request.config_dict[CAPTCHA].provider
    if way == stepping_up.CAPTCHA_WAY and provider is not None:
        return form.get(provider.field, "")
    return form.get("code" if way == stepping_up.MAIL_WAY else "wait_token", "")


async def show(
    request: web.Request,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **view: Any,
) -> web.Response:
    """Return the page, or the way back for who is asked for nothing."""
    sale = request.config_dict[ROOMS].room(request.match_info["sale"]).sale
    ticket = ticket_if_any(request, sale.sale_id)
    if ticket is None:
        return see_other(request, sale.sale_id)
    try:
        codes = await stepping_up.noted(request, ticket)
    except StoreUnavailable:
        return see_other(request, sale.sale_id)
    if not stepping_up.is_needed(codes):
        return see_other(request, sale.sale_id)
    page = CheckPage(
        sale_id=sale.sale_id,
        name=sale.name,
        now_ms=request.config_dict[CLOCK].now_ms(),
        reasons=against(codes),
        wait_token=request.config_dict[WAIT_TOKENS].issue(sale.sale_id, STEPPING_UP),
        wait_seconds=stepping_up.WAIT_MS // 1000,
        reference=ticket.fan_id,
        has_mail=request.config_dict[MAIL_CODES].is_on,
        captcha=captcha_view(request, stepping_up.bound_to(ticket)),
        event_id=event_wanted(request),
        brand=brand_view(sale),
        **view,
    )
    return html_response(
        request,
        request.config_dict[RENDERER],
        "check.html",
        page,
        status=status,
        headers={
            "Vary": "Accept-Language, Cookie",
            "Content-Security-Policy": policy_with(request.config_dict[CAPTCHA].provider),
            **(headers or {}),
        },
    )


def captcha_view(request: web.Request, bound_to: str) -> CaptchaView | None:
    """Return the widget that was set up, None without one."""
    captcha = request.config_dict[CAPTCHA]
    provider = captcha.provider
    if provider is None:
        return None
    return CaptchaView(
        name=NAMES[captcha.kind],
        script_url=provider.script_url,
        css_class=provider.css_class,
        field=provider.field,
        site_key=captcha.site_key,
        bound_to=bound_to,
    )


def policy_with(provider: Provider | None) -> str:
    """Return what this one page may load: our files, and the widget's where there is one."""
    if provider is None:
        return CONTENT_SECURITY_POLICY
    sources = " ".join(provider.sources)
    parts = [
        f"{part} {sources}" if part.partition(" ")[0] in OPENED else part
        for part in CONTENT_SECURITY_POLICY.split("; ")
    ]
    return "; ".join([*parts, f"frame-src {sources}"])
