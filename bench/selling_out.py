"""A sell-out: many times more eager fans than seats ask at once, until nothing is left for anybody."""

import asyncio
import bisect
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from bench.http_client import SILENCE_SECONDS, Connection, connections, request
from bench.installation import Installation
from bench.material import Signatures
from bench.report import Row
from bench.rounds import CONNECTIONS

PARTY_MAX = 4
SEED = 8113
HELD, GONE = 201, 410
# Of one process on a machine with eight times as much to do as it can.
SLOWEST_PER_SECOND = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What one fan asked for, when, and what came of it; `seats` are none when it was refused."""

    quantity: int
    began: float
    ended: float
    seats: tuple[str, ...]


@dataclass(slots=True)
class Story:
    """Everything that was asked, in the order of the answers."""

    asked: list[Asked] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def served(self) -> list[Asked]:
        """Who has seats."""
        return [one for one in self.asked if one.seats]

    def passed_over(self) -> int:
        """Count fans who were refused though one who asked after that got as many or more."""
        served = sorted((one.began, one.quantity) for one in self.served)
        most_after = [0] * (len(served) + 1)
        for index in range(len(served) - 1, -1, -1):
            most_after[index] = max(most_after[index + 1], served[index][1])
        began = [at for at, _ in served]
        return sum(
            most_after[bisect.bisect_right(began, one.ended)] >= one.quantity
            for one in self.asked
            if not one.seats
        )


async def measure_sell_out(installation: Installation, event_id: str, seats: int, fans: int) -> Row:
    """Let so many fans each ask once for the best one to four, through the whole HTTP path."""
    wishes = random.Random(SEED)
    quantities = [wishes.randint(1, PARTY_MAX) for _ in range(fans)]
    passes = Signatures(installation).passes(fans)
    port = installation.gateway_port
    async with connections(port, CONNECTIONS) as opened:
        story = await tell(opened, port, event_id, list(zip(quantities, passes, strict=True)))
    served = story.served
    taken = [seat for one in served for seat in one.seats]
    assert len(taken) == len(set(taken)), "a seat was held twice"
    assert all(len(one.seats) == one.quantity for one in served), (
        "a party got less than it asked for"
    )
    began = min(one.began for one in story.asked)
    last_seat = max(one.ended for one in served) - began
    passed_over = story.passed_over()
    return Row(
        path="sell_out",
        ours=passed_over,
        floor=0.0,
        ratio=0.0,
        budget=0.0,
        unit="fans refused before somebody who asked later got as many",
        judged_by="ours <= budget",
        met=passed_over == 0,
        note=(
            f"{fans:,} fans want one to four of {seats:,} seats: {len(taken):,} held by"
            f" {len(served):,} after {last_seat:.1f} s, {fans - len(served):,} refused, all answered"
            f" after {story.seconds:.1f} s ({fans / story.seconds:,.0f}/s of one process, every pass"
            " seen for the first time); none twice. What is left is kept for who needs it"
        ),
        more={
            "last_seat_seconds": round(last_seat, 2),
            "seconds": round(story.seconds, 2),
            "served": len(served),
            "held": len(taken),
        },
    )


async def tell(
    opened: Sequence[Connection], port: int, event_id: str, fans: list[tuple[int, str]]
) -> Story:
    """Let every connection ask for the next fan as soon as it was answered."""
    story, waiting = Story(), iter(fans)
    asking: dict[Connection, tuple[int, float]] = {}
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def ask(connection: Connection) -> None:
        if (fan := next(waiting, None)) is not None:
            quantity, admission_pass = fan
            asking[connection] = (quantity, time.perf_counter())
            connection.send(best(port, event_id, quantity, admission_pass), answered)
        elif not asking and not ended.done():
            ended.set_result(None)

    def answered(connection: Connection, status: int, answer: bytes) -> None:
        quantity, began = asking.pop(connection)
        if status not in (HELD, GONE):
            if not ended.done():
                ended.set_exception(AssertionError(f"{status}: {answer[-500:]!r}"))
            return
        seats = seats_of(answer) if status == HELD else ()
        story.asked.append(Asked(quantity, began, time.perf_counter(), seats))
        ask(connection)

    began = time.perf_counter()
    for connection in opened:
        ask(connection)
    async with asyncio.timeout(SILENCE_SECONDS + len(fans) / SLOWEST_PER_SECOND):
        await ended
    story.seconds = time.perf_counter() - began
    return story


def best(port: int, event_id: str, quantity: int, admission_pass: str) -> bytes:
    """Return the request of a fan for the best so many."""
    wish = {"event_id": event_id, "best_available": {"quantity": quantity}}
    return request(
        "POST",
        "/api/bookings/reserve",
        port,
        headers=f"Authorization: Bearer {admission_pass}\r\n",
        body=msgspec.json.encode(wish),
    )


def seats_of(answer: bytes) -> tuple[str, ...]:
    """Return the seats that an answer names."""
    body = msgspec.json.decode(answer.partition(b"\r\n\r\n")[2])
    return tuple(seat["seat_id"] for seat in body["seats"])
