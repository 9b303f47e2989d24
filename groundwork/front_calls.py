"""Calls answered before the framework: how a server, its gate and its shop hand them to each other."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

from aiohttp import web
from aiohttp.streams import EMPTY_PAYLOAD

from groundwork.access_log import RouteCounts
from groundwork.answers import Answer
from groundwork.identity import Identity
from groundwork.plain_request import Peer, PlainRequest

# What answers later; called once, or never when the connection is lost before.
Answering = Callable[[], Awaitable[Answer]]
Found = Callable[[], Awaitable[bytes]]
# What a server asks about bytes that may be one request, and who sent them: the whole answer, who will
# answer, or None for all that the framework should answer.
FindAnswer = Callable[[bytes, Peer], bytes | Found | None]


@dataclass(frozen=True, slots=True)
class FrontCall:
    """A call that a shop answers without the framework, to a fan whom the gate let in.

    `route` is the call's name in the metrics, `counts` are the shop's own numbers of it: the gate, which
    knows when it began and how it ended, tells them. `path` has the groups that `answer` gets. None
    leaves the request to the framework, which answers it in the same way; nothing may have been done
    for it then. What is returned may raise as a handler may.
    """

    method: str
    route: str
    counts: RouteCounts
    path: re.Pattern[str]
    answer: Callable[[Sequence[str], PlainRequest, Identity], Answer | Answering | None]


@dataclass(frozen=True, slots=True)
class OwnCall:
    """A call that the front tier answers itself without the framework, to everybody; else as FrontCall."""

    method: str
    route: str
    path: re.Pattern[str]
    answer: Callable[[Sequence[str], PlainRequest], Answering | None]


class FrontAnswer(NamedTuple):
    """A whole answer, as aiohttp looks at one."""

    data: bytes
    keep_alive: bool = True


class FrontRequest:
    """A request that somebody else answers, in its turn among aiohttp's: one at a time, and waited
    for when the server stops.
    """

    __slots__ = ("_answer", "_payload", "_task")

    def __init__(self, answer: bytes | Found) -> None:
        self._answer = answer
        self._payload = EMPTY_PAYLOAD

    async def answered(self) -> FrontAnswer:
        """Return the answer."""
        answer = self._answer
        return FrontAnswer(answer if isinstance(answer, bytes) else await answer())

    def _cancel(self, _why: BaseException) -> None:
        """The other end has gone: nobody waits for more of a body here."""


def values_of(app: web.Application) -> web.Application:
    """Return the values of an application that serves by now, for `[…]` alone.

    It looks each up in Python, ten for a request; and none of them changes any more.
    """
    return cast("web.Application", dict(app))


def request_of(make: Any, message: Any, *others: Any) -> Any:
    """Return the request that one of a server's messages is."""
    return message if isinstance(message, FrontRequest) else make(message, *others)


FRONT_DOOR: Final[web.AppKey[FindAnswer]] = web.AppKey("front_door")
FRONT_CALLS: Final[web.AppKey[Sequence[FrontCall]]] = web.AppKey("front_calls")
