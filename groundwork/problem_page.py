"""A refusal as a page: what happened, in plain words, and the one thing to do next."""

from typing import Final

from aiohttp import web

from groundwork.pages import PageRenderer, ProblemPage, html_response
from groundwork.problem_json import PageMaker, Problem

# After these the same request may well be answered; everything that broke on our side is one, too.
WORTH_TRYING_AGAIN: Final = frozenset(
    {"store-unavailable", "origin-unavailable", "too-many-requests"}
)
# Nobody knows what became of it: the same again could buy twice.
NOT_AGAIN: Final = frozenset({"answer-lost"})


def make_problem_page(renderer: PageRenderer) -> PageMaker:
    """Return what turns refusals into pages with this renderer; problem.html has the words."""

    def make(request: web.Request, problem: Problem) -> web.Response:
        action, action_url = way_on(request, problem)
        retry_after = problem.members.get("retry_after")
        page = ProblemPage(
            status=problem.status,
            code=problem.code,
            action=action,
            action_url=action_url,
            request_id=problem.request_id,
            retry_after=retry_after if isinstance(retry_after, int) else 0,
        )
        return html_response(
            request, renderer, "problem.html", page, status=problem.status, headers=problem.headers
        )

    return make


def way_on(request: web.Request, problem: Problem) -> tuple[str, str]:
    """Return what to offer, and where it is: the waiting room, the same page again, or the start."""
    waiting_room_url = problem.members.get("waiting_room_url")
    if waiting_room_url and waiting_room_url != "/":
        return "waiting-room", str(waiting_room_url)
    is_our_failure = problem.status >= 500 and problem.code not in NOT_AGAIN
    if problem.code in WORTH_TRYING_AGAIN or is_our_failure:
        # Only the query: the way back to this page, on whatever path it is.
        return "again", f"?{request.rel_url.raw_query_string}" if request.method == "GET" else "/"
    return "start", "/"
