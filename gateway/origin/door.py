"""The door to what is protected: what the gateway asks of a shop, wherever it runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import web

from groundwork.front_calls import FrontCall

# The shop sets it on an answer to say that this fan's visit is over.
VISIT_HEADER: Final = "Onsale-Visit"
VISIT_ENDED: Final = "ended"
# What the gateway asks for itself are documents of some kilobytes; more is another page.
ANSWER_BYTES_MAX: Final = 256 * 1024
# A background question waits no longer: the next round asks anew.
ANSWER_SECONDS_MAX: Final = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the shop said to a question of the gateway's own."""

    status: int
    body: bytes


def as_text(value: str) -> str:
    """Return a header's value as text that can be sent on: bytes that are not UTF-8 become U+FFFD."""
    if value.isascii():
        return value
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class Door(Protocol):
    """Passes a fan's request on to the shop."""

    async def forward(self, request: web.Request, identity: str) -> web.StreamResponse:
        """Return the shop's answer. `identity` is the signed header that says who is asking.

        Raises OriginUnavailable when no shop answers, AnswerLost when nobody knows what it did.
        """
        ...

    async def ask(self, path: str, identity: str) -> Answer:
        """Return the shop's answer to a question of the gateway's own: a short GET, no fan's.

        Raises StoreUnavailable when no shop answers in time, or more than ANSWER_BYTES_MAX.
        """
        ...

    def front_calls(self) -> Sequence[FrontCall]:
        """Return what the shop answers without the framework; nothing when it is elsewhere."""
        ...

    async def end_streams(self) -> None:
        """End answers that would last for ever: the gateway stops, their fans come back."""
        ...
