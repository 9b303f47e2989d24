"""How a buyer of the run asks: every call goes into the history, and no doubt is talked away."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from groundwork.clock import Clock
from onsale.prove.history import Op, Recorder

# Longer than the slowest answer the shop allows itself (a silent bank: eight seconds and a look).
ANSWER_SECONDS = 15.0
CONNECT_SECONDS = 2.0
SERVER_ERRORS_FROM = 500
# A refusal that decides nothing: the first call with this key may still be under way.
UNDECIDED = frozenset({"request-in-progress"})


@dataclass(frozen=True)
class Answer:
    """A status (0: none came), the problem's code and the JSON."""

    status: int
    code: str
    body: Mapping[str, Any]

    @property
    def is_good(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300

    @property
    def is_final(self) -> bool:
        """Whether it leaves no doubt about what happened."""
        return 0 < self.status < SERVER_ERRORS_FROM and self.code not in UNDECIDED


NO_ANSWER = Answer(0, "", {})


class Asking:
    """Sends calls to the gateways, and notes what came of them."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        gateway_urls: list[str],
        recorder: Recorder,
        clock: Clock,
    ) -> None:
        self._session = session
        self._urls = gateway_urls
        self.recorder = recorder
        self.clock = clock

    async def ask(
        self,
        op: Op,
        method: str,
        path: str,
        *,
        gateway: int,
        headers: Mapping[str, str],
        body: object = None,
        hangs_up_after_ms: int = 0,
    ) -> Answer:
        """Return the answer, and note it. A gateway that is gone, 5xx and silence leave a doubt."""
        seconds = hangs_up_after_ms / 1000 or ANSWER_SECONDS
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS)
        url = f"{self._urls[gateway % len(self._urls)]}{path}"
        answer = NO_ANSWER
        try:
            async with self._session.request(
                method, url, json=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                content = await response.read()
                answer = _read(response.status, content)
                if answer.is_final:
                    op.answer = hashlib.sha256(content).hexdigest()[:16]
        except (aiohttp.ClientError, TimeoutError, OSError):
            answer = NO_ANSWER
        except asyncio.CancelledError:
            self.recorder.end(op)
            raise
        op.status, op.code = answer.status, answer.code
        if answer.is_final:
            op.outcome = "ok" if answer.is_good else "fail"
        _note(op, answer.body)
        self.recorder.end(op)
        return answer


def _read(status: int, content: bytes) -> Answer:
    try:
        body = json.loads(content or b"{}")
    except ValueError:
        return Answer(status, "", {}) if status >= 400 or not content else NO_ANSWER
    if not isinstance(body, dict):
        return Answer(status, "", {})
    return Answer(status, str(body.get("code", "")) if status >= 400 else "", body)


def _note(op: Op, body: Mapping[str, Any]) -> None:
    """Take over what the answer says: of a reservation, of an order, of the line."""
    if op.outcome != "ok":
        return
    op.reservation = body.get("reservation_id", op.reservation)
    op.order = body.get("booking_id", op.order)
    op.total = body.get("total", op.total)
    # The snapshot of an event calls something else its status.
    op.state = op.state if "count" in body else body.get("status", op.state)
    named = body["tickets"] if "tickets" in body else body.get("seats", ())
    if isinstance(named, list):
        op.seats = tuple(each["seat_id"] for each in named if each.get("seat_id")) or op.seats
        for each in named:
            if not each.get("seat_id"):
                op.stock[each["tier"]] = op.stock.get(each["tier"], 0) + 1
    if isinstance(body.get("stock"), list):
        op.stock = {each["tier"]: each["quantity"] for each in body["stock"] if "quantity" in each}
    if "count" in body:
        states = unpacked(body["status"], body["count"])
        op.numbers = {name: body[name] for name in ("count", "epoch", "seq")}
        op.numbers |= {f"state_{state}": states.count(state) for state in range(4)}
    if "serving" in body:
        op.numbers = {name: body[name] for name in ("serving", "at_ms")}
    if "fan_id" in body:  # a join: only now the fan has a name
        op.fan = body["fan_id"]
        op.numbers = {"place": body["place"]}
    if "expires_in_ms" in body:
        op.expires_at_ms = op.began_ms + int(body["expires_in_ms"])


def unpacked(status: str, count: int) -> list[int]:
    """Return the state of each seat of a snapshot: two bits a seat, the first in the lowest."""
    packed = base64.b64decode(status)
    return [(packed[index >> 2] >> 2 * (index & 3)) & 3 for index in range(count)]
