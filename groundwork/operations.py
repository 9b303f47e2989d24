"""Calls of the API, declared with what they take, answer and refuse; nothing undeclared is routed.

What a call takes and answers is read from its handler's types: a parameter `body` or `query` is a
msgspec Struct that is read and checked before the handler runs, the return type is one of
`groundwork/typed_answers.py`, or several. What it refuses is named where it is declared.
"""

import functools
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from aiohttp import HttpVersion11, web
from aiohttp.typedefs import Handler

from groundwork.bodies import read_body, read_query
from groundwork.errors import BodyTooLarge, BookingError, MethodNotAllowed, RequestInvalid

Method = Literal["GET", "POST", "DELETE"]
ApiHandler = Callable[..., Awaitable[web.StreamResponse]]
Refusals = Sequence[type[BookingError]]

PATH_NAME: Final = re.compile(r"\{(\w+)\}")
# Addresses that programs are written against: every one of them is declared, or the start fails.
DECLARED_PREFIXES: Final = ("/api/", "/webhooks/", "/.well-known/")


@dataclass(frozen=True, slots=True)
class Header:
    """A header that a call may be sent with, and what it means."""

    name: str
    means: str
    required: bool = False


DPOP: Final = Header(
    "DPoP", "A proof of the device key (RFC 9449), for a ticket or pass bound to one."
)
IDEMPOTENCY_KEY: Final = Header("Idempotency-Key", "The same for a repeat of the same request.")
IF_NONE_MATCH: Final = Header("If-None-Match", "The ETag of what the asker has.")


@dataclass(frozen=True, slots=True)
class Credential:
    """What a call asks of its caller, sent as `Authorization: Bearer` or as a cookie."""

    name: Literal["ticket", "pass"]
    required: bool = True


@dataclass(frozen=True, slots=True)
class DocumentedAnswer:
    """A status that is no refusal, and what comes with it: a type as JSON, or bytes of a kind."""

    status: int
    media_type: str | None
    content: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One call as it is declared."""

    method: Method
    path: str
    handler: Handler
    name: str
    tag: str
    description: str
    body: type[msgspec.Struct] | None
    # The body is JSON of somebody else's making, which the handler checks by itself.
    takes_json: bool
    query: type[msgspec.Struct] | None
    answers: Sequence[DocumentedAnswer]
    refusals: Refusals
    headers: Sequence[Header]
    credential: Credential | None


class UndeclaredRoute(AssertionError):
    """An address that programs are written against, and nobody has said what it takes and answers."""


class ApiRoutes:
    """The calls of one part of the API. A call cannot be added without being declared."""

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self.operations: list[Operation] = []

    def get(self, path: str, **declared: Any) -> Callable[[ApiHandler], Handler]:
        """Declare a call that reads; see `_declare` for the keywords."""
        return self._declare("GET", path, **declared)

    def post(self, path: str, **declared: Any) -> Callable[[ApiHandler], Handler]:
        """Declare a call that does something."""
        return self._declare("POST", path, **declared)

    def delete(self, path: str, **declared: Any) -> Callable[[ApiHandler], Handler]:
        """Declare a call that takes something back."""
        return self._declare("DELETE", path, **declared)

    def _declare(
        self,
        method: Method,
        path: str,
        *,
        refuses: Refusals = (),
        headers: Sequence[Header] = (),
        credential: Credential | None = None,
        takes_json: bool = False,
    ) -> Callable[[ApiHandler], Handler]:
        def declared(handler: ApiHandler) -> Handler:
            types = get_type_hints(handler)
            body, query = types.get("body"), types.get("query")
            always: Refusals = (RequestInvalid,) if body or query else ()
            if body:
                always = (*always, BodyTooLarge)
            called = _with_input(handler, body, query)
            self.operations.append(
                Operation(
                    method=method,
                    path=path,
                    handler=called,
                    name=handler.__name__,
                    tag=self._tag,
                    description=inspect.getdoc(handler) or "",
                    body=body,
                    takes_json=takes_json,
                    query=query,
                    answers=answers_of(types["return"]),
                    refusals=(*refuses, *always),
                    headers=headers,
                    credential=credential,
                )
            )
            return called

        return declared


def answers_of(kind: Any) -> Sequence[DocumentedAnswer]:
    """Return what a handler's return type says it answers. Raises UndeclaredRoute if it says nothing."""
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    found = []
    for each in kinds:
        answer = get_origin(each) or each
        status = getattr(answer, "documented_status", None)
        if status is None:
            raise UndeclaredRoute(f"{each} does not say what is in it")
        content = get_args(each)[0] if get_args(each) else None
        found.append(DocumentedAnswer(status, getattr(answer, "media_type", None), content))
    return found


def _with_input(
    handler: ApiHandler, body: type[msgspec.Struct] | None, query: type[msgspec.Struct] | None
) -> Handler:
    """Return the handler as aiohttp calls it: with the request alone."""
    if body is None and query is None:
        return handler

    @functools.wraps(handler)
    async def called(request: web.Request) -> web.StreamResponse:
        given: dict[str, msgspec.Struct] = {}
        if query is not None:
            given["query"] = read_query(request, query)
        if body is not None:
            given["body"] = await read_body(request, body)
        return await handler(request, **given)

    return called


def add_operations(
    app: web.Application,
    operations: Iterable[Operation],
    handler: Handler | None = None,
    **route: Any,
) -> None:
    """Route the calls, all to one handler if it is given; other methods get 405 and what is allowed.

    `route` is for aiohttp's add_route.
    """
    allowed: dict[str, list[str]] = {}
    route = {"expect_handler": say_go_on, **route}
    for operation in operations:
        methods = ["GET", "HEAD"] if operation.method == "GET" else [operation.method]
        # A name is all there is between two slashes; aiohttp's own would have no braces in it.
        path = PATH_NAME.sub(r"{\1:[^/]+}", operation.path)
        for method in methods:
            app.router.add_route(method, path, handler or operation.handler, **route)
        allowed.setdefault(path, []).extend(methods)
    for path, methods in allowed.items():
        app.router.add_route(
            "*", path, _refuse_method(tuple(sorted(methods))), expect_handler=say_go_on
        )


async def say_go_on(request: web.Request) -> None:
    """Say that the body may come. RFC 9110 lets any other expectation be nothing to a server."""
    is_asked = request.headers["Expect"].lower() == "100-continue"
    if is_asked and request.version == HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the answer has not begun


def _refuse_method(allowed: tuple[str, ...]) -> Handler:
    async def refuse(_request: web.Request) -> web.StreamResponse:
        raise MethodNotAllowed(allowed)

    return refuse


def prove_all_declared(app: web.Application, operations: Iterable[Operation]) -> None:
    """Raise UndeclaredRoute for a route of the API that was not declared."""
    declared: Mapping[str, set[str]] = {}
    for operation in operations:
        declared.setdefault(operation.path, set()).add(operation.method)  # type: ignore[attr-defined]
    for resource in app.router.resources():
        path = resource.canonical
        if path.startswith(DECLARED_PREFIXES) and path not in declared:
            raise UndeclaredRoute(f"{path} is not declared")
        for route in resource:
            if path in declared and route.method not in (*declared[path], "HEAD", "*"):
                raise UndeclaredRoute(f"{route.method} {path} is not declared")
