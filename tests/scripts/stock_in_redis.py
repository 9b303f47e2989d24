"""The stock of a sale in Redis, watched with a given time."""

from dataclasses import dataclass

from tests.simulation.line_in_redis import LineInRedis

EVERY_MS = 1_000
REST_MS = 30_000
ASKING_MS = 6_000
SETTLE_MS = 3_000
STAY_MS = 15_000


@dataclass(frozen=True)
class Watched:
    """What a look at the stock answered."""

    asks: bool
    reading: str
    left: str
    taken: int
    age_ms: int
    is_sold_out: bool


async def try_to_watch(
    line: LineInRedis,
    reading: str = "",
    left: int | str = "",
    taken: int | str = "",
    may_ask: int = 1,
    every_ms: int = EVERY_MS,
    rest_ms: int = 0,
) -> list[object]:
    args: dict[str, str | int] = {
        "now_ms": line.now, "reading": reading, "left": left, "taken": taken, "may_ask": may_ask,
        "every_ms": every_ms, "rest_ms": rest_ms, "asking_ms": ASKING_MS,
        "settle_ms": SETTLE_MS, "stay_ms": STAY_MS,
    }  # fmt: skip
    return await line.call("watch_stock", line.keys, args)


async def watch(
    line: LineInRedis,
    reading: str = "",
    left: int | str = "",
    taken: int | str = "",
    may_ask: int = 1,
    every_ms: int = EVERY_MS,
    rest_ms: int = 0,
) -> Watched:
    word, asks, text, left_now, taken_now, age_ms, is_sold_out, good_ms = await try_to_watch(
        line, reading, left, taken, may_ask, every_ms, rest_ms
    )
    assert word == "stock"
    assert text == "" or good_ms == EVERY_MS, "as who told it said"
    return Watched(
        asks == 1, str(text), str(left_now), int(str(taken_now)), int(str(age_ms)), is_sold_out == 1
    )
