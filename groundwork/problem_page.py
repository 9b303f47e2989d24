"""A refusal as a page: what happened, in plain words, and the one thing to do next."""

from typing import Final

from aiohttp import web

from groundwork.pages import CONTENT_SECURITY_POLICY, PageRenderer, ProblemPage
from groundwork.problem_json import PageMaker, Problem

# code -> title, text, label of the way on. Where that leads: the waiting room if the refusal names
# one, else the list of what is on sale.
TEXTS: Final[dict[str, tuple[str, str, str]]] = {
    "not-found": (
        "This page does not exist",
        "The address may be mistyped, or the page is gone.",
        "See what is on sale",
    ),
    "event-not-found": (
        "We do not know this event",
        "It may be over, or the address is mistyped.",
        "See what is on sale",
    ),
    "sale-not-found": (
        "We do not know this sale",
        "It may be over, or the address is mistyped.",
        "See what is on sale",
    ),
    "reservation-not-found": (
        "These seats are no longer held for you",
        "The time to pay has run out, or you let them go. You can choose again.",
        "See what is on sale",
    ),
    "hold-lost": (
        "These seats are no longer held for you",
        "The time to pay has run out. No money was taken. You can choose again.",
        "See what is on sale",
    ),
    "order-not-found": (
        "We cannot show this order",
        "Open it in the browser it was bought with, or look at your e-mail.",
        "See what is on sale",
    ),
    "not-admitted": (
        "The waiting room comes first",
        "Join the line; you will be let in when it is your turn.",
        "To the waiting room",
    ),
    "pass-expired": (
        "Your time inside is over",
        "Your admission pass has run out. Join the line again to go on.",
        "To the waiting room",
    ),
    "sale-closed": (
        "This sale is over",
        "Thank you for coming.",
        "See what is on sale",
    ),
    "store-unavailable": (
        "We need a moment",
        (
            "Something on our side did not answer in time. Your place and your seats are safe; "
            "please try again."
        ),
        "Try again",
    ),
    "too-many-requests": (
        "A little slower, please",
        "Too much came from your connection at once. Wait a few seconds and try again.",
        "Try again",
    ),
}
OTHERWISE: Final = (
    "That did not work",
    "The request could not be carried out. Nothing was bought and nothing is lost.",
    "See what is on sale",
)
FAILURE: Final = (
    "Something broke on our side",
    "It is not your fault, and it has been noted. Nothing is lost; please try again.",
    "Try again",
)


def make_problem_page(renderer: PageRenderer) -> PageMaker:
    """Return what turns refusals into pages with this renderer."""

    def make(request: web.Request, problem: Problem) -> web.Response:
        title, text, label = TEXTS.get(
            problem.code, FAILURE if problem.status >= 500 else OTHERWISE
        )
        way_on = str(problem.members.get("waiting_room_url") or "/")
        if label == "Try again" and request.method == "GET":
            way_on = request.rel_url.raw_path_qs
        page = ProblemPage(
            status=problem.status,
            title=title,
            text=text,
            action_url=way_on,
            action_label=label,
            request_id=problem.request_id,
        )
        return web.Response(
            text=renderer.render("problem.html", page),
            status=problem.status,
            content_type="text/html",
            headers={**problem.headers, "Content-Security-Policy": CONTENT_SECURITY_POLICY},
        )

    return make
