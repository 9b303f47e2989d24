"""Waits: from what was measured, in ranges as wide as they have strayed, with a record of both."""

import math
import random
from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.waiting_room.eta import ETA_DISTANCES, Eta, Waits, eta_at
from gateway.waiting_room.line_now import LaneNow, Limit, LineNow
from gateway.waiting_room.promises import PromiseRecord, Promises, Straying

SECOND_MS = 1_000
MINUTE_MS = 60_000


@dataclass
class Line:
    """A line that moves as it is told to, measured once a second."""

    waits: Waits
    now_ms: int = 1_700_000_000_000
    serving: float = 0.0
    last_place: int = 1_000_000
    asked: int = 600
    limit: Limit = "rate"
    members: int = 0
    members_called: float = 0.0

    def now(self) -> LineNow:
        general = LaneNow("general", int(self.serving), self.last_place, (), int(self.serving))
        called = int(self.members_called)
        members = LaneNow("members", called, called + self.members, (), called)
        return LineNow(
            now_ms=self.now_ms, inside=0, calls_open=0, called_now=0,
            called=int(self.serving) + called, claimed=0, limit=self.limit, rate_now=self.asked,
            no_show_thousandths=0, health_thousandths=1_000,
            admitted=0, at_turnstile=0, late=0,
            lanes=(members, general) if self.members or called else (general,),
        )  # fmt: skip

    def run(self, seconds: int, per_minute: float, members_per_minute: float = 0.0) -> None:
        for _ in range(seconds):
            self.now_ms += SECOND_MS
            self.serving += per_minute / 60
            self.members_called += members_per_minute / 60
            self.waits.note(self.now(), self.asked)

    def table(self) -> list[Eta]:
        return self.waits.table(self.now())


@pytest.fixture
def line() -> Line:
    line = Line(Waits())
    line.waits.note(line.now(), line.asked)
    return line


def test_before_anything_was_measured_the_asked_rate_is_told_widely(line: Line) -> None:
    eta = eta_at(line.table(), 30_000)

    assert eta is not None
    assert 2_500 < eta.p50 < 3_500, "some fifty minutes at 600 a minute"
    assert eta.p10 < 0.75 * eta.p50
    assert eta.p90 > 1.3 * eta.p50


def test_what_is_told_is_what_was_measured_not_what_was_asked(line: Line) -> None:
    line.limit = "capacity"
    line.run(20 * 60, per_minute=900)

    eta = eta_at(line.table(), 10_000)
    assert eta is not None
    assert eta.p10 <= 667 <= eta.p90
    assert eta.p50 == pytest.approx(667, rel=0.05)


def test_the_many_who_are_called_at_first_say_nothing_of_later(line: Line) -> None:
    line.run(5, per_minute=6_000)
    line.run(25, per_minute=900)

    eta = eta_at(line.table(), 10_000)
    assert eta is not None
    assert eta.p10 < 1_000 < eta.p90, "at 600 a minute, of whom all come"


def test_a_calm_line_makes_ranges_narrow(line: Line) -> None:
    before = line.waits.promises.straying.factors(120)
    line.run(40 * 60, per_minute=600)

    low, _, high = line.waits.promises.straying.factors(120)
    assert high / low < 1.2 < before[2] / before[0]


def test_the_nearer_the_narrower_and_never_out_of_order(line: Line) -> None:
    line.run(10 * 60, per_minute=600)
    table = line.table()

    assert [row.distance for row in table] == list(ETA_DISTANCES)
    widths = [row.p90 - row.p10 for row in table]
    assert widths == sorted(widths)
    for row in table:
        assert 2 <= row.p10 <= row.p50 <= row.p90


def test_the_table_ends_beyond_the_line_and_is_empty_when_nothing_moves(line: Line) -> None:
    line.last_place = 250
    assert [row.distance for row in line.table()] == [1, 10, 30, 100, 300]
    line.asked = 0
    line.waits.note(line.now(), 0)
    assert line.table() == []
    assert eta_at([], 5) is None


def test_an_empty_line_says_nothing_about_how_fast_it_moves(line: Line) -> None:
    line.run(10 * 60, per_minute=600)
    line.limit = "demand"
    line.run(30 * 60, per_minute=3)
    line.limit = "rate"

    assert line.waits.seconds(599) == pytest.approx(60, rel=0.05)


def test_a_new_rate_is_told_at_once_where_the_rate_holds_the_line(line: Line) -> None:
    line.run(10 * 60, per_minute=600)
    line.asked = 1_200
    line.run(1, per_minute=1_200)
    assert line.waits.seconds(1_199) == pytest.approx(60, rel=0.05)

    line.limit = "capacity"
    line.run(10 * 60, per_minute=400)
    line.asked = 5_000
    line.run(1, per_minute=400)
    assert line.waits.seconds(399) == pytest.approx(60, rel=0.1), "the house is as full as before"


def test_lanes_of_precedence_slow_the_general_line(line: Line) -> None:
    line.run(20 * 60, per_minute=450, members_per_minute=150)

    assert line.waits.seconds(449) == pytest.approx(60, rel=0.1)


def test_kept_and_broken_promises_are_counted(line: Line) -> None:
    line.run(20 * 60, per_minute=600)
    calm = line.waits.promises.record
    assert calm.told > 50
    assert calm.kept > 0.6 * calm.told

    line.limit = "health"
    line.run(3 * 60, per_minute=60)
    slow = line.waits.promises.record
    told, kept = slow.told - calm.told, slow.kept - calm.kept
    assert told > 10
    assert kept < 0.8 * told, "a shop that broke down breaks what was told before"
    line.run(30 * 60, per_minute=60)
    later = line.waits.promises.record
    assert later.kept - slow.kept > 0.7 * (later.told - slow.told), "and what is told then holds"


def test_what_the_operator_changes_is_set_aside(line: Line) -> None:
    line.run(5 * 60, per_minute=600)
    before = line.waits.promises.record
    line.asked = 60
    line.run(1, per_minute=60)
    after = line.waits.promises.record

    assert after.set_aside > before.set_aside
    assert (after.told, after.kept) == (before.told, before.kept)


def test_a_count_that_begins_anew_is_not_taken_for_a_standstill(line: Line) -> None:
    line.run(10 * 60, per_minute=600)
    line.serving = 0
    line.run(60, per_minute=600)

    assert line.waits.seconds(599) == pytest.approx(60, rel=0.05)


def test_a_record_is_gone_on_from_after_a_restart(line: Line) -> None:
    line.run(30 * 60, per_minute=600)
    kept = msgspec.json.encode(line.waits.promises.to_record())
    again = Promises()
    again.restore(msgspec.json.decode(kept, type=PromiseRecord))

    assert again.record == line.waits.promises.record
    assert again.straying.factors(120) == line.waits.promises.straying.factors(120)
    untouched = Promises()
    untouched.restore(None)
    assert untouched.record.told == 0


def test_open_promises_are_bounded(line: Line) -> None:
    line.run(3 * 3_600, per_minute=1)

    assert all(len(each) <= 32 for each in line.waits.promises._open.values())


@pytest.mark.parametrize("spread", [0.02, 0.2, 0.6])
def test_eight_in_ten_hold_whatever_the_spread(spread: float) -> None:
    """Waits that stray by chance, independently: the ranges learn by how much."""
    rng = random.Random(8113)
    straying = Straying()
    kept = 0
    for number in range(4_000):
        low, middle, high = straying.factors(300)
        assert low <= middle <= high
        actual = 300 * math.exp(rng.gauss(0.1, spread))
        if number >= 200:
            kept += 300 * low <= actual <= 300 * high
        straying.note(300, actual, 300 * low, 300 * high)
    assert 0.75 <= kept / 3_800 <= 0.85


@given(st.lists(st.floats(1, 1e6), max_size=200), st.floats(1, 1e6))
def test_a_range_is_a_range_whatever_was_seen(actual: list[float], seconds: float) -> None:
    straying = Straying()
    for each in actual:
        low, _, high = straying.factors(seconds)
        straying.note(seconds, each, seconds * low, seconds * high)
    low, middle, high = straying.factors(seconds)
    assert 0 < low <= middle <= high < math.inf


@given(st.integers(0, 2_000_000))
def test_between_the_rows_waits_grow_with_the_distance(distance: int) -> None:
    table = [Eta(1, 2, 2, 3), Eta(100, 40, 60, 90), Eta(1_000, 500, 600, 700)]
    here, further = eta_at(table, distance), eta_at(table, distance + 1)
    assert here is not None
    assert further is not None
    assert here.p10 <= here.p50 <= here.p90
    for name in ("p10", "p50", "p90"):
        assert getattr(further, name) >= getattr(here, name)
