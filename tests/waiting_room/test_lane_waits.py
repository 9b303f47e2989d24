"""Waits in lanes: a fan is told by who is called before them, and each lane has a record of its own."""

from dataclasses import dataclass, field

import msgspec
import pytest

from gateway.waiting_room.eta import Eta, Waits, WaitsRecord, eta_at
from gateway.waiting_room.line_now import LaneNow, LineNow
from gateway.waiting_room.promises import EtaKept, PromiseRecord

SECOND_MS = 1_000
PER_MINUTE = 600


@dataclass
class Lane:
    """Who joined a lane and who was called; fans come at an even rate."""

    name: str
    joined: float
    joins_per_minute: float = 0.0
    serving: int = 0

    @property
    def now(self) -> LaneNow:
        return LaneNow(self.name, self.serving, int(self.joined), (), self.serving)


@dataclass
class Lanes:
    """A line of lanes, called ten a second in order of precedence, measured once a second."""

    lanes: list[Lane]
    waits: Waits = field(default_factory=Waits)
    now_ms: int = 1_700_000_000_000
    asked: int = PER_MINUTE

    def now(self) -> LineNow:
        lanes = tuple(lane.now for lane in self.lanes)
        return LineNow(
            now_ms=self.now_ms, inside=0, calls_open=0, called_now=0,
            called=sum(lane.called for lane in lanes), claimed=0, limit="rate",
            rate_now=self.asked, no_show_thousandths=0, health_thousandths=1_000,
            admitted=0, at_turnstile=0, late=0, lanes=lanes,
        )  # fmt: skip

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now_ms += SECOND_MS
            rest = self.asked // 60
            for lane in self.lanes:
                lane.joined += lane.joins_per_minute / 60
                called = min(rest, lane.now.waiting)
                lane.serving, rest = lane.serving + called, rest - called
            self.waits.note(self.now(), self.asked)

    def told(self, number: int) -> Eta:
        """What the last fan of a lane is told, who has all of the lane and of those before ahead."""
        line = self.now()
        lane = self.lanes[number].name
        ahead = line.waiting_before(lane) + line.lane(lane).waiting - 1
        eta = eta_at(self.waits.table(line, lane), ahead)
        assert eta is not None
        return eta

    def waited(self, number: int) -> int:
        """How many seconds it takes until the lane's last fan is called."""
        lane, began_ms = self.lanes[number], self.now_ms
        place = lane.now.last_place
        while lane.serving < place:
            self.run(1)
        return (self.now_ms - began_ms) // SECOND_MS


def crowd(members: float, press: float, waiting: int) -> Lanes:
    """Members and press who come at such rates, so many of each waiting, and a crowd behind them."""
    return Lanes(
        [
            Lane("members", waiting, members),
            Lane("press", waiting, press),
            Lane("general", 100_000),
        ]
    )


def test_joins_of_members_slow_down_the_others_and_not_the_members() -> None:
    lanes = Lanes([Lane("members", 0, 570), Lane("general", 100_000)])
    lanes.run(20 * 60)
    lanes.lanes[0].joined += 100  # a busload, all at once
    line = lanes.now()

    member = eta_at(lanes.waits.table(line, "members"), 99)
    other = eta_at(lanes.waits.table(line), 99)
    assert member is not None
    assert other is not None
    assert member.p10 <= 10 <= member.p90 < 20
    assert other.p10 > 100, "who counts on thirty calls a minute"


@pytest.mark.parametrize("number", [0, 1, 2])
def test_each_lane_is_told_the_wait_that_it_has(number: int) -> None:
    lanes = crowd(members=180, press=120, waiting=3_000)
    lanes.lanes[2].joined = 3_000
    lanes.run(60)
    told, waited = lanes.told(number), lanes.waited(number)

    assert told.p10 <= waited <= told.p90
    assert told.p50 == pytest.approx(waited, rel=0.1)


def test_the_first_lane_moves_with_every_call_and_each_next_one_slower() -> None:
    lanes = crowd(members=180, press=120, waiting=3_000)
    lanes.run(60)
    waits = [lanes.waits.seconds(599, lane.name) for lane in lanes.lanes]

    # All 600, less 180 members, less 120 of the press.
    assert waits == pytest.approx([60, 60 * 600 / 420, 60 * 600 / 300], rel=0.02)


def test_a_lane_that_comes_later_is_measured_from_then_on() -> None:
    lanes = Lanes([Lane("general", 100_000)])
    lanes.run(5 * 60)
    lanes.lanes.insert(0, Lane("members", 0, 300))
    lanes.run(2 * 60)

    assert lanes.waits.seconds(599, "members") == pytest.approx(60, rel=0.02)
    assert lanes.waits.seconds(299) == pytest.approx(60, rel=0.05)


def test_a_table_ends_beyond_its_lane_and_is_empty_when_nothing_moves() -> None:
    lanes = crowd(members=0, press=0, waiting=80)
    lanes.run(1)
    tables = lanes.waits.lane_tables(lanes.now())

    assert {lane: [row.distance for row in table] for lane, table in tables.items()} == {
        "members": [1, 10, 30, 100],
        "press": [1, 10, 30, 100, 300],
    }
    lanes.asked = 0
    lanes.run(1)
    assert lanes.waits.lane_tables(lanes.now()) == {"members": [], "press": []}


def test_what_members_were_told_is_scored_too() -> None:
    lanes = crowd(members=300, press=0, waiting=6_000)
    lanes.run(10 * 60)
    members = lanes.waits.lane_promises["members"].record

    assert members.told > 20
    assert members.kept > 0.6 * members.told
    assert lanes.waits.promises.record.told == 0, "nobody of the general line was called yet"
    assert lanes.waits.kept.told == members.told
    low, _, high = lanes.waits.lane_promises["members"].straying.factors(120)
    wide_low, _, wide_high = lanes.waits.promises.straying.factors(120)
    assert high / low < wide_high / wide_low, "what strays in one lane says nothing of another"


def test_a_pause_sets_aside_what_was_told_in_every_lane() -> None:
    lanes = crowd(members=300, press=0, waiting=6_000)
    lanes.run(60)
    lanes.asked = 0
    lanes.run(1)

    assert lanes.waits.lane_promises["members"].record.set_aside > 0
    assert lanes.waits.promises.record.set_aside > 0


def test_a_record_has_its_lanes_and_one_of_before_has_none() -> None:
    lanes = crowd(members=300, press=0, waiting=6_000)
    lanes.run(10 * 60)
    text = msgspec.json.encode(lanes.waits.to_record())
    again = Waits()
    again.restore(msgspec.json.decode(text, type=WaitsRecord))

    assert again.kept == lanes.waits.kept
    assert again.to_record() == lanes.waits.to_record()
    before = PromiseRecord(EtaKept(3, 2, 1), [], 0.1, 0.1)
    again.restore(msgspec.json.decode(msgspec.json.encode(before), type=WaitsRecord))
    assert again.promises.record == EtaKept(3, 2, 1)
    again.restore(None)
    assert again.promises.record == EtaKept(3, 2, 1)
