"""The plain port beside TLS: whoever comes there is sent to the public address, and told nothing else."""

from aiohttp import web

from gateway.edge.request_id import request_id
from gateway.edge.security_headers import security_headers
from groundwork.access_log import access_log
from groundwork.malformed import REFUSAL_HEADERS
from groundwork.problem_json import problem_json


def make_redirect_app(public_url: str) -> web.Application:
    """Return the application of the plain port. `public_url` has no path."""

    async def send_on(request: web.Request) -> web.Response:
        # As it came, and behind our own address: `//other.example` is a path there.
        path = request.rel_url.raw_path_qs if request.raw_path.startswith("/") else "/"
        # 308: a form that was sent in the open is sent again, and not turned into a question.
        return web.Response(status=308, headers={"Location": public_url + path})

    async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
        response.headers.popall("Server", None)
        response.headers.update(headers)

    headers = security_headers(is_strict=False)  # over http browsers must not believe it
    app = web.Application(middlewares=[request_id, access_log("redirect"), problem_json])
    app[REFUSAL_HEADERS] = headers
    app.router.add_route("*", "/{path:.*}", send_on)
    app.on_response_prepare.append(add_headers)
    return app
