"""A code on its way to a fan: the address they typed, the words in their language, the sending."""

from http import HTTPStatus
from typing import Final

from aiohttp import web

from gateway.app_keys import MAIL_CODES, RENDERER, ROOMS
from gateway.bot_checks.mail_codes import CODE_MS
from gateway.pages.mail_view import CodeMail
from groundwork.check_errors import MailCodeInvalid
from groundwork.errors import RequestInvalid, TooManyRequests
from groundwork.languages import language_of
from groundwork.mail_address import MailAddress, read_mail_address
from groundwork.mail_errors import MailUnavailable
from groundwork.problem_json import STATUS_OF

# What a page tells of beside its fields, instead of instead of them.
MAIL_REFUSALS: Final = (MailCodeInvalid, MailUnavailable, RequestInvalid, TooManyRequests)


def address_typed(email: str) -> MailAddress:
    """Return the address. Raises RequestInvalid for what can be none."""
    address = read_mail_address(email)
    if address is None:
        raise RequestInvalid("email", "must be an e-mail address")
    return address


def mail_reason(refusal: Exception) -> str:
    """Return a refusal as the pages tell it."""
    match refusal:
        case MailCodeInvalid(reason=reason):
            return reason
        case TooManyRequests():
            return "limited"
        case MailUnavailable():
            return "unavailable"
    return "email"


def page_answer(refusal: Exception) -> tuple[int, dict[str, str]]:
    """Return the status and headers of a page that shows a refusal: also pages say when to come back."""
    if isinstance(refusal, TooManyRequests | MailUnavailable):
        return STATUS_OF[type(refusal)], {"Retry-After": str(refusal.retry_after)}
    return HTTPStatus.FORBIDDEN, {}


async def send_code(request: web.Request, sale_id: str, name: str, address: MailAddress) -> None:
    """Send a code in the language of the request. Raises MailUnavailable."""
    sale = request.config_dict[ROOMS].room(sale_id).sale
    language = language_of(request)

    def write(code: str) -> tuple[str, str]:
        view = CodeMail(name=sale.name, code=code, minutes=CODE_MS // 60_000)
        return request.config_dict[RENDERER].mail("mail_code.txt", view, language)

    await request.config_dict[MAIL_CODES].send(sale_id, name, address, language.code, write)
