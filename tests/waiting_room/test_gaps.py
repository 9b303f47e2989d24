"""Places that nobody has: nobody waits for them, and nobody is told that they do."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_board import GENERAL_LINE, LINE, MEMBERS, SALE

from gateway.pages.board_view import BoardView
from gateway.waiting_room.board import ahead_in, render
from gateway.waiting_room.gaps import Gap, fans_between, place_behind
from gateway.waiting_room.sale_lanes import SaleLane

Line = tuple[tuple[Gap, ...], int, list[int]]


@st.composite
def lines(draw: st.DrawFn) -> Line:
    """Gaps of a lane, how far it was called, and the places that fans have."""
    gaps: list[Gap] = []
    last = 0
    for _ in range(draw(st.integers(0, 3))):
        first = last + draw(st.integers(1, 5))
        last = first + draw(st.integers(0, 5))
        gaps.append((first, last))
    hidden = {place for first, end in gaps for place in range(first, end + 1)}
    serving = draw(st.integers(0, last + 3))
    return tuple(gaps), serving, [each for each in range(1, last + 12) if each not in hidden]


@given(lines())
def test_fans_are_counted_without_places_that_nobody_has(line: Line) -> None:
    gaps, serving, places = line
    for place in places:
        ahead = sum(1 for each in places if serving < each < place)
        assert fans_between(gaps, serving, place) == ahead
        if place > serving:
            assert place_behind(gaps, serving, ahead) == place


@pytest.mark.parametrize(
    ("lane", "place", "ahead"),
    [(None, 45, 4 + 1), (None, 20_001, 10 + 1), ("general", 20_003, 12 + 1), ("members", 33, 0)],
)
def test_who_stands_behind_a_gap_is_told_of_fans_alone(
    lane: str | None, place: int, ahead: int
) -> None:
    """By the API and by the page; for the page's script see tests/pages/test_phases_in_browser.py."""
    general = msgspec.structs.replace(GENERAL_LINE, gaps=((51, 20_000),), last_place=20_010)
    members = msgspec.structs.replace(MEMBERS, gaps=((31, 32),))
    line = msgspec.structs.replace(LINE, lanes=(members, general))
    board = render(replace(SALE, lanes=(SaleLane("members", "Members"),)), line, 300.0, 1)

    assert ahead_in(board.document, lane, place) == ahead
    view = msgspec.json.decode(board.body, type=BoardView)
    assert view.ahead_of(place, lane) == ahead
