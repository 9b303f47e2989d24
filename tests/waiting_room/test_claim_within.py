"""How much longer room is kept for a called fan, as far as a process knows it by itself."""

import pytest
from msgspec import structs
from room_world import make_sale

from gateway.waiting_room.line_now import LaneNow, LineNow, RoomKept
from gateway.waiting_room.room import LINE_KNOWN_MS, Room

# The clocks of the store and of the process show different times.
STORE_MS, OWN_MS = 5_000_000, 1_000_000
GENERAL = LaneNow(
    "general", serving=40, last_place=90, gaps=(), called=40,
    kept=(RoomKept(10, 0), RoomKept(25, STORE_MS + 500), RoomKept(40, STORE_MS + 90_000)),
)  # fmt: skip
MEMBERS = LaneNow(
    "members", serving=3, last_place=9, gaps=(), called=3, kept=(RoomKept(3, STORE_MS + 7_000),)
)
LINE = LineNow(
    now_ms=STORE_MS, inside=0, calls_open=5, called_now=0, called=43, claimed=0, limit="rate",
    rate_now=600, no_show_thousandths=0, health_thousandths=1_000, admitted=0, at_turnstile=0,
    late=0, lanes=(MEMBERS, GENERAL),
)  # fmt: skip


def room_of(line: LineNow = LINE) -> Room:
    room = Room(make_sale("kept"))
    room.moved(line, OWN_MS)
    return room


@pytest.mark.parametrize(
    ("place", "lane", "within_ms"),
    [
        (1, None, 0),
        (10, None, 0),
        (11, None, 500),
        (25, "general", 500),
        (26, None, 90_000),
        (40, None, 90_000),
        (41, None, None),
        (3, "members", 7_000),
        (4, "members", None),
        (1, "of another sale", None),
    ],
)
def test_each_place_has_the_time_of_its_call(
    place: int, lane: str | None, within_ms: int | None
) -> None:
    assert room_of().claim_within_ms(place, lane, OWN_MS) == within_ms


def test_beyond_the_last_row_no_room_is_kept() -> None:
    general = structs.replace(GENERAL, serving=60)

    room = room_of(structs.replace(LINE, lanes=(general,)))

    assert room.claim_within_ms(60, None, OWN_MS) == 0


def test_the_time_runs_between_two_looks_and_never_below_nothing() -> None:
    room = room_of()

    assert room.claim_within_ms(40, None, OWN_MS + 250) == 89_750
    assert room.claim_within_ms(25, None, OWN_MS + 499) == 1
    assert room.claim_within_ms(25, None, OWN_MS + 600) == 0
    assert room.claim_within_ms(40, None, OWN_MS - 10_000) == 90_000, "a clock that stepped back"


def test_nothing_is_said_while_nobody_knows() -> None:
    room = room_of()
    assert Room(make_sale("new")).claim_within_ms(1, None, OWN_MS) is None
    assert room.claim_within_ms(40, None, OWN_MS + LINE_KNOWN_MS - 1) is not None
    # An outage, which may give everybody more time.
    assert room.claim_within_ms(40, None, OWN_MS + LINE_KNOWN_MS) is None
    assert room.claim_within_ms(1, None, OWN_MS + LINE_KNOWN_MS) is None
