"""Plain requests that many make at once: the same checks as everybody's, before the framework is woken."""

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache, partial
from typing import Final, NamedTuple

from aiohttp import web

from gateway.app_keys import CLOCK, DOOR, ORIGIN_HEALTH, POLICY, SETTINGS
from gateway.edge.admission_gate import admission_of, identity_inside, note_failed
from gateway.edge.one_meaning import HOSTS
from gateway.edge.other_sites import check_site
from gateway.edge.request_id import new_request_id
from gateway.edge.security_headers import security_headers
from gateway.edge.shop_policy import is_ambiguous
from gateway.origin.health import FAILED
from groundwork.access_log import RouteCounts
from groundwork.answers import Answer, AnswerHeaders
from groundwork.errors import BookingError
from groundwork.front_calls import Answering, Found, FrontCall, OwnCall, values_of
from groundwork.identity import Identity
from groundwork.plain_request import NotPlain, Peer, PlainRequest, read_plain
from groundwork.problem_json import REQUEST_ID, answer_of, internal_error, problem_of

# The request line of our longest call has 90.
LINE_BYTES_MAX: Final = 200
# Events on sale at one time, and whatever else people try; half a megabyte.
LINES_REMEMBERED_MAX: Final = 2_048
VERSION: Final = " HTTP/1.1"


class Line(NamedTuple):
    """What a request line asks for: a call of the shop or of ours, and the parts of its path.

    `counts` are all that are told of its answer: this tier's, and the shop's own.
    """

    call: FrontCall | OwnCall
    counts: Sequence[RouteCounts]
    path: str
    parts: Sequence[str]


class FrontGate:
    """Finds answers for requests that cannot mean anything else; all others are the framework's.

    Nothing is refused here for what a request lacks: a call of the shop without a pass that counts is
    left to the framework, and `pass_on` says why not. `own` calls need none.
    """

    def __init__(self, app: web.Application, own: Sequence[OwnCall] = ()) -> None:
        self._app = app
        self._own = own
        self._clock = app[CLOCK]
        self._takes_host = app[HOSTS].takes
        self._health = app[ORIGIN_HEALTH]
        self._body_bytes_max = app[SETTINGS].body_bytes_max
        self._common = AnswerHeaders(security_headers(is_strict=app[SETTINGS].is_strict)).lines
        self._counts: dict[str, RouteCounts] = {}
        self._line: Callable[[bytes], Line | None] = lru_cache(LINES_REMEMBERED_MAX)(
            self._read_line
        )

    @cached_property
    def _values(self) -> web.Application:
        return values_of(self._app)

    def find(self, data: bytes, peer: Peer) -> bytes | Found | None:
        """Return the answer to the bytes, or who will give it; None leaves them to the framework."""
        line_end = data.find(b"\r\n")
        if not 0 < line_end <= LINE_BYTES_MAX:
            return None
        line = self._line(data[:line_end])
        if line is None:
            return None
        began_ms = self._clock.monotonic_ms()
        try:
            request = read_plain(self._values, line.call.method, line.path, data, line_end, peer)
            host = request.headers.get("Host")
            if not host or not self._takes_host(host):
                return None
            if len(request.body) > self._body_bytes_max:
                return None
            request[REQUEST_ID] = new_request_id()
            check_site(request)
            identity: Identity | None = None
            answer: Answer | Answering | None
            if isinstance(line.call, OwnCall):
                answer = line.call.answer(line.parts, request)
            else:
                identity = identity_inside(request, admission_of(request))
                answer = line.call.answer(line.parts, request, identity)
        except (NotPlain, BookingError):
            return None
        except Exception:
            # A bug, which would tear the connection: the framework meets it, too, and answers.
            return None
        if answer is None:
            return None
        if isinstance(answer, Answer):
            return self._given(line, request, identity, answer, began_ms)
        return partial(self._answer, line, request, identity, answer, began_ms)

    def _read_line(self, line: bytes) -> Line | None:
        text = line.decode("latin-1")
        method, _, rest = text.partition(" ")
        path = rest.removesuffix(VERSION)
        if path == rest or is_ambiguous(path, path):
            return None
        calls: list[FrontCall | OwnCall] = [*self._own]
        if self._app[POLICY].demand(method, path).needs == "pass":
            calls += self._app[DOOR].front_calls()
        for call in calls:
            if call.method == method and (found := call.path.fullmatch(path)):
                if call.route not in self._counts:
                    self._counts[call.route] = RouteCounts("gateway", call.route)
                counts = [self._counts[call.route]]
                if isinstance(call, FrontCall):
                    counts.append(call.counts)
                return Line(call, counts, path, found.groups())
        return None

    async def _answer(
        self,
        line: Line,
        request: PlainRequest,
        identity: Identity | None,
        answering: Answering,
        began_ms: float,
    ) -> bytes:
        try:
            answer = await answering()
        except BookingError as error:
            answer = answer_of(problem_of(error, request))
        except Exception:
            answer = answer_of(internal_error(request))
        return self._given(line, request, identity, answer, began_ms)

    def _given(
        self,
        line: Line,
        request: PlainRequest,
        identity: Identity | None,
        answer: Answer,
        began_ms: float,
    ) -> bytes:
        """Count the answer where the framework's are counted, and return it as bytes."""
        status, took_ms = answer.status, self._clock.monotonic_ms() - began_ms
        if identity is not None:
            self._health.note(identity.sale_id, status, took_ms)
            if status in FAILED:
                note_failed(request, identity)
        for counts in line.counts:
            counts.note_soon(status, took_ms / 1000, request.method, request[REQUEST_ID])
        return answer.on_wire(self._common, self._clock.now_ms())
