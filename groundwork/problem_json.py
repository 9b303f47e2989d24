"""Refusals as HTTP: one table to statuses, one shape (RFC 9457), as JSON or as a page."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from groundwork import (
    cancel_errors,
    check_errors,
    edge_errors,
    errors,
    mail_errors,
    origin_errors,
    seat_errors,
)
from groundwork.answers import Answer, AnswerHeaders
from groundwork.broken_off import AnswerBrokeOff
from groundwork.errors import BookingError
from groundwork.plain_request import Asking

STATUS_OF: Final[Mapping[type[BookingError], HTTPStatus]] = {
    errors.RequestInvalid: HTTPStatus.BAD_REQUEST,
    errors.IdempotencyKeyMissing: HTTPStatus.BAD_REQUEST,
    errors.BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.SaleNotFound: HTTPStatus.NOT_FOUND,
    errors.EventNotFound: HTTPStatus.NOT_FOUND,
    errors.ReservationNotFound: HTTPStatus.NOT_FOUND,
    errors.OrderNotFound: HTTPStatus.NOT_FOUND,
    errors.MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    errors.TicketInvalid: HTTPStatus.UNAUTHORIZED,
    errors.DeviceProofInvalid: HTTPStatus.UNAUTHORIZED,
    errors.TicketMoved: HTTPStatus.GONE,
    errors.MoveRefused: HTTPStatus.CONFLICT,
    errors.MoveLinkInvalid: HTTPStatus.GONE,
    errors.AccessCodeInvalid: HTTPStatus.FORBIDDEN,
    errors.BotCheckFailed: HTTPStatus.FORBIDDEN,
    errors.NotAdmitted: HTTPStatus.FORBIDDEN,
    errors.PassExpired: HTTPStatus.FORBIDDEN,
    errors.NotYours: HTTPStatus.FORBIDDEN,
    errors.NotYourTurn: HTTPStatus.TOO_EARLY,
    errors.SaleNotOpen: HTTPStatus.CONFLICT,
    errors.RosterNotSealed: HTTPStatus.CONFLICT,
    errors.SalePaused: HTTPStatus.CONFLICT,
    errors.SaleClosed: HTTPStatus.GONE,
    check_errors.StepUpNeeded: HTTPStatus.FORBIDDEN,
    check_errors.StepUpFailed: HTTPStatus.FORBIDDEN,
    check_errors.MailCodeInvalid: HTTPStatus.FORBIDDEN,
    check_errors.MailboxNeeded: HTTPStatus.FORBIDDEN,
    errors.SeatsTaken: HTTPStatus.CONFLICT,
    seat_errors.SeatsKept: HTTPStatus.CONFLICT,
    seat_errors.LeavesOrphan: HTTPStatus.CONFLICT,
    seat_errors.HeldLongEnough: HTTPStatus.TOO_MANY_REQUESTS,
    errors.SoldOut: HTTPStatus.GONE,
    errors.OverSeatLimit: HTTPStatus.FORBIDDEN,
    errors.HoldLost: HTTPStatus.GONE,
    errors.ExtensionRefused: HTTPStatus.CONFLICT,
    cancel_errors.CancelRefused: HTTPStatus.CONFLICT,
    errors.PaymentDeclined: HTTPStatus.PAYMENT_REQUIRED,
    errors.RequestInProgress: HTTPStatus.CONFLICT,
    errors.IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    mail_errors.MailUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    edge_errors.NotSignedIn: HTTPStatus.UNAUTHORIZED,
    edge_errors.NotAllowed: HTTPStatus.FORBIDDEN,
    edge_errors.UnknownHost: HTTPStatus.MISDIRECTED_REQUEST,
    edge_errors.RequestMalformed: HTTPStatus.BAD_REQUEST,
    edge_errors.CrossSite: HTTPStatus.FORBIDDEN,
    origin_errors.OriginUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    origin_errors.AnswerLost: HTTPStatus.BAD_GATEWAY,
}

# The code of what is no refusal but a bug; it has no type of its own.
INTERNAL_ERROR: Final = "internal-error"
# What to authenticate with, which RFC 9110 §11.6.1 wants in every answer 401 (RFC 6750, RFC 9449). None
# of these makes a browser ask for a password.
CHALLENGES: Final[Mapping[str, str]] = {
    "ticket-invalid": "Bearer",
    "device-proof-invalid": 'DPoP algs="ES256", error="invalid_dpop_proof"',
    "not-signed-in": "Bearer",
}
# Each code is explained in a page of the project's documentation.
PROBLEM_BASE_URL: Final = "https://onsale.example/problems/"

# Set by the outermost middleware; a log line and an answer can be brought together by it.
REQUEST_ID: Final = web.RequestKey("request_id", str)

# Who hangs up is counted apart, under the status nginx made known: no failure of ours.
STATUS_FAN_LEFT: Final = 499
# Half an answer is out: only a broken connection tells the fan that it is half.
STATUS_BROKE_OFF: Final = 502

log = structlog.get_logger()

# Whoever sent this, another reader may see another request behind it on the same connection.
ENDS_CONNECTION: Final = frozenset({"unknown-host", "request-malformed"})

PageMaker = Callable[[web.Request, "Problem"], web.Response]
# How refusals look to a browser; an application without pages leaves it out.
PROBLEM_PAGE: Final[web.AppKey[PageMaker]] = web.AppKey("problem_page")


class Problem:
    """A refusal on its way out: its status, its members, its headers."""

    def __init__(
        self, code: str, status: int, members: Mapping[str, object], request_id: str
    ) -> None:
        self.code = code
        self.status = status
        self.members = members
        self.request_id = request_id
        retry_after = members.get("retry_after")
        self.headers: dict[str, str] = {"Cache-Control": "no-store"}
        if isinstance(retry_after, int):
            self.headers["Retry-After"] = str(retry_after)
        allowed = members.get("allowed")
        if isinstance(allowed, tuple):
            self.headers["Allow"] = ", ".join(allowed)
        if code in CHALLENGES:
            self.headers["WWW-Authenticate"] = CHALLENGES[code]
        policy = members.get("policy")
        if isinstance(policy, str) and policy:
            # draft-ietf-httpapi-ratelimit-headers-11: what is allowed, and that nothing of it is left.
            self.headers["RateLimit-Policy"] = policy
            self.headers["RateLimit"] = f"{policy.partition(';')[0]};r=0;t={retry_after}"

    def document(self) -> dict[str, object]:
        """Return the problem+json members, the standard ones first."""
        return {
            "type": PROBLEM_BASE_URL + self.code,
            "title": self.code.replace("-", " ").capitalize(),
            "status": self.status,
            "code": self.code,
            "instance": f"urn:request:{self.request_id}",
            **self.members,
        }


@web.middleware
async def problem_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every refusal, and every bug, into an answer in the one shape."""
    try:
        return await handler(request)
    except BookingError as error:
        problem = problem_of(error, request)
    except web.HTTPRequestEntityTooLarge:
        problem = problem_of(errors.BodyTooLarge(bytes_max=request.client_max_size), request)
    except web.HTTPNotFound:
        problem = problem_of(errors.NotFound(), request)
    except web.HTTPMethodNotAllowed as error:
        problem = problem_of(errors.MethodNotAllowed(tuple(sorted(error.allowed_methods))), request)
    except web.HTTPClientError as error:
        problem = problem_of(errors.RequestInvalid("request", error.reason), request)
    except web.HTTPException:
        raise  # redirects and the like are answers already
    except AnswerBrokeOff:
        return hang_up(request, STATUS_BROKE_OFF)
    except ConnectionResetError:
        return hang_up(request, STATUS_FAN_LEFT)
    except Exception:
        problem = internal_error(request)
    if request.writer.output_size > 0:
        # An answer is under way already; another one in the middle of it would be read as its body.
        return hang_up(request, STATUS_BROKE_OFF)
    return respond(request, problem)


def hang_up(request: web.Request, status: int) -> web.Response:
    """Close the connection; the response is for the books alone, and cannot be sent any more.

    Left to aiohttp, every fan who leaves would be an error in its log.
    """
    transport = request.transport
    if transport is not None:
        if status == STATUS_BROKE_OFF:
            transport.close()
        else:
            transport.abort()  # who does not read must not be waited for
    return web.Response(status=status)


def problem_of(error: BookingError, request: Asking) -> Problem:
    """Return the problem that a refusal is, for this request."""
    return Problem(error.code, STATUS_OF[type(error)], asdict(error), request.get(REQUEST_ID, ""))


def internal_error(request: Asking) -> Problem:
    """Log the bug that is being handled, and return what the fan is told."""
    request_id = request.get(REQUEST_ID, "")
    log.exception("internal error", request_id=request_id, path=request.path)
    return Problem(INTERNAL_ERROR, 500, {}, request_id)


def answer_of(problem: Problem) -> Answer:
    """Return the problem as problem+json."""
    headers = {"Content-Type": "application/problem+json; charset=utf-8", **problem.headers}
    return Answer(problem.status, AnswerHeaders(headers), json.dumps(problem.document()).encode())


def respond(request: web.Request, problem: Problem) -> web.Response:
    """Answer with the problem: as a page to browsers that prefer one, else as problem+json."""
    make_page: PageMaker | None = request.config_dict.get(PROBLEM_PAGE)
    if make_page is not None and prefers_page(request):
        response = make_page(request, problem)
    else:
        response = answer_of(problem).response()
    if problem.code in ENDS_CONNECTION:
        response.force_close()
    return response


def prefers_page(request: web.Request) -> bool:
    """Say whether a browser is looking: it asks for HTML, and not at an API address."""
    return "text/html" in request.headers.get("Accept", "") and "/api/" not in request.path
