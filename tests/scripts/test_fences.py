"""No script reads or changes what belongs to another epoch, or what is not there at all."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from stock_in_redis import try_to_watch
from test_audits import correct, digest
from test_move_place import move

from lua import read_source, script_names
from tests.simulation.line_in_redis import LineInRedis
from tests.simulation.script_caller import EPOCH
from tests.simulation.seats_in_redis import Held, SeatsInRedis

ORDER = Held("tour-berlin." + "x" * 22, "ada", [1], 0, False, "", 0)

SEAT_CALLS: dict[str, Callable[[SeatsInRedis], Awaitable[list[Any]]]] = {
    "hold_seats": lambda event: event.hold_seats("ada", [1]),
    "hold_best": lambda event: event.hold_best("ada", 1, ["front"]),
    "hold_stock": lambda event: event.hold_stock("ada", "standing", 1),
    "swap_hold": lambda event: event.swap("ada", "tour-berlin.x", event.named([1])),
    "allot_seats": lambda event: event.allot("3" * 30, 1),
    "extend_hold": lambda event: event.extend("ada", "tour-berlin.x"),
    "release_hold": lambda event: event.release("ada", "tour-berlin.x"),
    "read_hold": lambda event: event.read("ada", "tour-berlin.x"),
    "read_seats": lambda event: event.read_seats(),
    "sweep_holds": lambda event: event.sweep(),
    "settle_hold": lambda event: event.settle(ORDER, "sold", "order-1"),
    "digest_seats": lambda event: digest(event),
    "correct_seats": lambda event: correct(event, sold=[1]),
}
LINE_CALLS: dict[str, Callable[[LineInRedis], Awaitable[list[Any]]]] = {
    "join_line": lambda line: line.join("ada"),
    "seal_entries": lambda line: line.seal(),
    "read_entries": lambda line: line.read_entries(),
    "find_entry": lambda line: line.find_entry("ada"),
    "raise_ceiling": lambda line: line.raise_ceiling(10),
    "call_places": lambda line: line.try_to_call(),
    "admit_fan": lambda line: line.admit("ada", 1),
    "touch_visits": lambda line: line.touch(["ada"]),
    "renew_visit": lambda line: line.renew("ada", "visit", line.now),
    "end_visit": lambda line: line.end_visit("ada"),
    "move_place": lambda line: move(line, "ada", "bob", 1),
    "watch_stock": try_to_watch,
}


def test_every_fenced_script_is_called_here() -> None:
    fenced = {name for name in script_names() if "fence(" in read_source(name)}

    assert fenced == SEAT_CALLS.keys() | LINE_CALLS.keys()


@pytest.mark.parametrize("name", SEAT_CALLS)
async def test_an_empty_server_never_shows_free_seats(event: SeatsInRedis, name: str) -> None:
    assert await SEAT_CALLS[name](event) == ["not_loaded"]
    assert await event.call.store.call("DBSIZE") == 0


@pytest.mark.parametrize("name", SEAT_CALLS)
async def test_seats_of_another_epoch_are_left_alone(hall: SeatsInRedis, name: str) -> None:
    await hall.call.store.call("HSET", hall.keys["meta"], "epoch", EPOCH + 1)

    assert await SEAT_CALLS[name](hall) == ["fenced", str(EPOCH + 1)]
    assert await hall.call.store.call("GET", hall.keys["status"]) == "0" * 30
    assert await hall.log() == []


@pytest.mark.parametrize("name", LINE_CALLS)
async def test_an_empty_server_has_no_line(line: LineInRedis, name: str) -> None:
    assert await LINE_CALLS[name](line) == ["not_loaded"]
    assert await line.call.store.call("DBSIZE") == 0


@pytest.mark.parametrize("name", LINE_CALLS)
async def test_a_line_of_another_epoch_is_left_alone(open_line: LineInRedis, name: str) -> None:
    await open_line.call.store.call("HSET", open_line.keys["line"], "epoch", EPOCH - 1)
    before = await open_line.call.store.call("HGETALL", open_line.keys["line"])

    assert await LINE_CALLS[name](open_line) == ["fenced", str(EPOCH - 1)]
    assert await open_line.call.store.call("HGETALL", open_line.keys["line"]) == before
