"""The status board: what everybody who waits is told."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs
from room_world import make_sale

from gateway.waiting_room.api import place_document
from gateway.waiting_room.board import (
    POLL_CEILING_MS,
    POLL_FLOOR_MS,
    RATE_WINDOW_MS,
    RateMeter,
    before_lane,
    eta_in,
    expected_rate,
    poll_policy,
    render,
)
from gateway.waiting_room.documents import EtaRange
from gateway.waiting_room.eta import Eta, Waits
from gateway.waiting_room.line_now import LaneNow, LineNow
from gateway.waiting_room.odds import Odds
from gateway.waiting_room.promises import EtaKept
from gateway.waiting_room.room import Room
from gateway.waiting_room.sale_lanes import LANES_MAX, SaleLane
from gateway.waiting_room.sales import SaleRecords, check
from gateway.waiting_room.stock import EventStock, TierStock
from gateway.waiting_room.told import Told
from groundwork.errors import RequestInvalid, SaleNotFound
from groundwork.postgres import Pool
from groundwork.tokens import TicketClaims

OPENS_AT = datetime(2030, 6, 1, 10, tzinfo=UTC)
OPENS_AT_MS = round(OPENS_AT.timestamp() * 1000)
SALE = make_sale("tour", opens_at=OPENS_AT, rate_per_minute=600)
GENERAL_LINE = LaneNow("general", serving=40, last_place=1_000, gaps=((500, 599),), called=40)
LINE = LineNow(
    now_ms=OPENS_AT_MS + 60_000, inside=7, calls_open=3, called_now=0, called=40, claimed=35,
    limit="rate", rate_now=600, no_show_thousandths=0, health_thousandths=1_000,
    admitted=34, at_turnstile=1, late=0,
    lanes=(GENERAL_LINE,),
)  # fmt: skip
MEMBERS = LaneNow("members", serving=30, last_place=33, gaps=(), called=30)


def test_the_phases_of_a_sale() -> None:
    before, after = OPENS_AT_MS - 1, OPENS_AT_MS

    assert (SALE.phase(before), SALE.phase(after)) == ("before", "open")
    assert (SALE.rate_now(before), SALE.rate_now(after)) == (0, 600)
    for state, rate in (("paused", 0), ("draining", 600), ("closed", 0)):
        sale = replace(SALE, state=state)  # type: ignore[arg-type]
        assert sale.phase(after) == state
        assert sale.rate_now(after) == rate
        assert sale.phase(before) == ("closed" if state == "closed" else "before")


def test_the_waiting_are_those_with_a_place_that_is_not_called() -> None:
    assert LINE.waiting == 860
    assert structs.replace(GENERAL_LINE, serving=990).waiting == 10, "the gap lies behind them"
    assert structs.replace(GENERAL_LINE, serving=1_000).waiting == 0
    assert structs.replace(LINE, lanes=(MEMBERS, GENERAL_LINE)).waiting == 863


def test_lanes_are_published_in_order_when_there_are_any() -> None:
    line = structs.replace(LINE, lanes=(MEMBERS, GENERAL_LINE))
    sale = replace(SALE, lanes=(SaleLane("members", "Members"),))

    assert json.loads(render(SALE, LINE, None, 1).body)["lanes"] == []
    assert json.loads(render(sale, line, None, 1).body)["lanes"] == [
        {
            "lane": "members",
            "name": "Members",
            "waiting": 3,
            "called": 30,
            "serving": MEMBERS.serving,
        },
        {
            "lane": "general",
            "name": "General",
            "waiting": 860,
            "called": 40,
            "serving": GENERAL_LINE.serving,
            "gaps": [[500, 599]],
        },
    ]


def test_a_board_says_all_there_is_to_say() -> None:
    board = render(replace(SALE, message="Hello"), LINE, 300.0, seq=12)
    document = json.loads(board.body)

    assert document == json.loads(board.stream_event.split(b"data: ")[1])
    assert board.stream_event.startswith(b"event: board\nid: 12\ndata: ")
    assert document["phase"] == "open"
    assert document["opens_at"] == "2030-06-01T10:00:00Z"
    assert (document["serving"], document["last_place"], document["waiting"]) == (40, 1_000, 860)
    assert (document["rate_per_minute"], document["inside"]) == (300.0, 7)
    assert (document["message"], document["seq"], document["at_ms"]) == ("Hello", 12, LINE.now_ms)
    assert board.etag != render(SALE, LINE, 300.0, seq=12).etag


def test_a_board_tells_what_is_known_besides_the_line() -> None:
    tiers = [TierStock("floor", "Floor", 4_500, 12), TierStock("front", "Front", 9_000, 0)]
    told = Told(
        eta=[Eta(1, 2, 3, 4)],
        eta_kept=EtaKept(told=50, kept=41, set_aside=3),
        stock=[EventStock("night", "Night", "EUR", 12, tiers)],
        odds=Odds(5, 20),
    )
    changed = replace(SALE, rate_changed_at=OPENS_AT)
    document = json.loads(render(changed, LINE, 300.0, 12, told).body)

    assert document["eta"] == [{"distance": 1, "p10": 2, "p50": 3, "p90": 4}]
    assert document["eta_kept"] == {"told": 50, "kept": 41, "set_aside": 3}
    assert document["stock"][0]["tiers"][1] == {
        "tier": "front", "name": "Front", "price_cents": 9_000, "available": 0,
    }  # fmt: skip
    assert document["odds"] == {"likely": 5, "uncertain": 20}
    assert document["rate_changed"] == {"at": "2030-06-01T10:00:00Z", "per_minute": 600}
    silent = json.loads(render(SALE, LINE, 300.0, 12).body)
    for name in ("eta_kept", "stock", "odds", "rate_changed"):
        assert silent[name] is None


def test_a_sale_that_is_sold_out_calls_nobody_and_a_pause_stays_a_pause() -> None:
    after = OPENS_AT_MS
    sold_out = replace(SALE, is_sold_out=True)

    assert (sold_out.phase(after - 1), sold_out.phase(after)) == ("before", "sold_out")
    assert sold_out.rate_now(after) == 0
    assert replace(sold_out, state="draining").phase(after) == "sold_out"
    assert replace(sold_out, state="paused").phase(after) == "paused"
    assert replace(sold_out, state="closed").phase(after) == "closed"


def test_who_is_called_before_waits_before() -> None:
    sale = replace(SALE, lanes=(SaleLane("members", "Members"), SaleLane("press", "Press")))
    press = LaneNow("press", serving=5, last_place=12, gaps=(), called=5)
    line = structs.replace(LINE, lanes=(MEMBERS, press, GENERAL_LINE))
    document = render(sale, line, 300.0, 1).document

    assert before_lane(document, "members") == 0
    assert before_lane(document, "press") == 3
    assert before_lane(document, None) == before_lane(document, "general") == 10
    assert before_lane(render(SALE, LINE, 300.0, 1).document, None) == 0


def test_a_lane_has_waits_of_its_own_or_those_of_all() -> None:
    sale = replace(SALE, lanes=(SaleLane("members", "Members"), SaleLane("press", "Press")))
    press = LaneNow("press", serving=5, last_place=12, gaps=(), called=5)
    line = structs.replace(LINE, lanes=(MEMBERS, press, GENERAL_LINE))
    told = Told(eta=[Eta(1, 20, 30, 40)], lane_eta={"members": [Eta(1, 2, 3, 4)], "press": []})
    board = render(sale, line, 300.0, 1, told)

    assert [lane.get("eta") for lane in json.loads(board.body)["lanes"]] == [
        [{"distance": 1, "p10": 2, "p50": 3, "p90": 4}],
        *(None, None),
    ]
    assert eta_in(board.document, "members") == told.lane_eta["members"]
    assert eta_in(board.document, "press") == told.eta
    assert eta_in(board.document, "general") == eta_in(board.document, None) == told.eta


def test_a_board_with_lanes_stays_small() -> None:
    lanes = tuple(SaleLane(f"lane-{number}", f"Lane {number}") for number in range(LANES_MAX))
    now = [LaneNow(lane.lane, 0, 40_000, (), 0) for lane in lanes]
    line = structs.replace(LINE, lanes=(*now, structs.replace(GENERAL_LINE, last_place=900_000)))
    waits = Waits()
    waits.note(line, 600)
    sale = replace(SALE, lanes=lanes)
    told = Told(eta=waits.table(line), lane_eta=waits.lane_tables(line))
    without = replace(SALE, lanes=())

    untold = structs.replace(told, lane_eta={})
    own = [len(render(sale, line, 600.0, 1, each).body) for each in (untold, told)]
    assert own[1] - own[0] < 600 * LANES_MAX, (
        "a row is fifty bytes, and a lane of a stadium has ten"
    )
    assert render(without, LINE, 300.0, 1, told) == render(without, LINE, 300.0, 1, untold)


def ticket(place: int, lane: str | None = None) -> TicketClaims:
    return TicketClaims(
        fan_id="fan", sale_id="tour", place=place, lane=lane, issued_at_ms=0, expires_at_ms=0
    )


def test_where_a_fan_of_a_lane_stands() -> None:
    sale = replace(SALE, lanes=(SaleLane("members", "Members"),))
    line = structs.replace(LINE, lanes=(MEMBERS, GENERAL_LINE))
    told = Told(eta=[Eta(1, 20, 30, 40)], lane_eta={"members": [Eta(1, 2, 3, 4)]})
    document = render(sale, line, 300.0, 1, told).document

    member = place_document(Room(sale), document, ticket(lane="members", place=32), 0)
    assert (member.ahead, member.eta) == (1, EtaRange(2, 3, 4))
    fan = place_document(Room(sale), document, ticket(place=41), 0)
    assert (fan.ahead, fan.eta) == (3, EtaRange(60, 90, 120))


def test_why_a_sale_is_paused_is_told_only_while_it_is() -> None:
    paused = replace(SALE, state="paused", pause_reason="A fire drill")

    assert json.loads(render(paused, LINE, 0, 1).body)["pause_reason"] == "A fire drill"
    reopened = replace(paused, state="open")
    assert json.loads(render(reopened, LINE, 0, 1).body)["pause_reason"] == ""


def test_the_measured_rate_counts_only_with_a_crowd() -> None:
    assert expected_rate(None, 600, 50) == 600
    assert expected_rate(200.0, 600, 0) == 600
    assert expected_rate(200.0, 600, 50) == 200
    assert expected_rate(900.0, 600, 50) == 600


@pytest.mark.parametrize(
    ("phase", "waiting", "rate", "after_ms"),
    [
        ("open", 0, 600, POLL_FLOOR_MS),
        ("open", 2_400, 600, 4_000),
        ("open", 10**6, 600, POLL_CEILING_MS),
        ("paused", 10**6, 0, 2 * POLL_FLOOR_MS),
        ("before", 10, 0, 2 * POLL_FLOOR_MS),
        ("closed", 10, 600, POLL_CEILING_MS),
        ("sold_out", 0, 600, POLL_CEILING_MS),
    ],
)
def test_how_often_to_ask(phase: str, waiting: int, rate: float, after_ms: int) -> None:
    poll = poll_policy(phase, waiting, rate)  # type: ignore[arg-type]

    assert poll.after_ms == after_ms
    assert poll.jitter_ms == round(after_ms * 0.3)


def test_the_rate_is_measured_over_a_window() -> None:
    meter = RateMeter()
    assert meter.per_minute() is None
    for second in range(4):
        meter.note(second * 1_000, second * 10)
    assert meter.per_minute() is None, "too short to say"
    for second in range(4, 200):
        meter.note(second * 1_000, second * 10)
    assert meter.per_minute() == 600
    for second in range(200, 230):
        meter.note(second * 1_000, 1_990)
    assert meter.per_minute() == pytest.approx(310, abs=15)
    assert len(meter._seen) <= RATE_WINDOW_MS // 1_000 + 1


def test_a_count_that_begins_anew_is_no_negative_rate() -> None:
    meter = RateMeter()
    for second in range(10):
        meter.note(second * 1_000, 1_000 + second)
    meter.note(10_000, 3)
    assert meter.per_minute() is None
    meter.note(20_000, 13)
    assert meter.per_minute() == 60


async def test_progress_never_goes_back(pool: Pool) -> None:
    records = SaleRecords(pool)
    await records.create(make_sale("noted"))
    await records.note_progress("noted", 50, 20)
    await records.note_progress("noted", 40, 30)
    await records.note_progress("noted", 60, 10)

    lease = await records.lease_places("noted")
    assert (lease.last_place, lease.serving) == (60, 30)
    assert (lease.leased, lease.ceiling) == (0, 20_000)
    with pytest.raises(SaleNotFound):
        await records.lease_places("nowhere")


async def test_an_operators_change_is_read_back(pool: Pool) -> None:
    records = SaleRecords(pool)
    sale = make_sale("changed")
    await records.create(sale)
    with pytest.raises(RequestInvalid):
        await records.create(sale)

    await records.change("changed", state="paused", pause_reason="Rain")
    found = await records.get("changed")
    assert (found.state, found.pause_reason, found.capacity) == ("paused", "Rain", sale.capacity)
    with pytest.raises(SaleNotFound):
        await records.change("nowhere", state="open")
    with pytest.raises(RequestInvalid):
        await records.change("changed", burst=0)


async def test_of_two_changes_at_once_none_is_lost(pool: Pool) -> None:
    records = SaleRecords(pool)
    await records.create(make_sale("steered"))

    async def waiting() -> object:
        cursor = await watcher.execute(
            """SELECT count(*) FROM pg_stat_activity
                WHERE wait_event_type = 'Lock' AND datname = current_database()"""
        )
        return await cursor.fetchone()

    async with pool.connection() as holder, pool.connection() as watcher:
        async with holder.transaction():
            await holder.execute("SELECT FROM sales WHERE sale_id = 'steered' FOR UPDATE")
            changes = asyncio.gather(
                records.change("steered", state="paused", pause_reason="Rain"),
                records.change("steered", rate_per_minute=77),
            )
            while await waiting() != (2,):
                await asyncio.sleep(0.01)
        await changes
    found = await records.get("steered")
    assert (found.state, found.pause_reason, found.rate_per_minute) == ("paused", "Rain", 77)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("sale_id", "Tour"), ("sale_id", ""), ("sale_id", "x" * 64), ("name", ""),
        ("name", "x" * 201), ("opens_at", datetime(2030, 1, 1)), ("rate_per_minute", 0),  # noqa: DTZ001
        ("burst", 0), ("capacity", 0), ("capacity", 10_000_001), ("message", "x" * 501),
        ("pause_reason", "x" * 501),
    ],
)  # fmt: skip
def test_a_sale_that_cannot_be_held_is_refused_by_field(field: str, value: object) -> None:
    with pytest.raises(RequestInvalid) as refusal:
        check(make_sale(**{"sale_id": "tour", field: value}))  # type: ignore[arg-type]
    assert refusal.value.field == field


def test_a_sale_opens_on_the_millisecond() -> None:
    sale = replace(SALE, opens_at=OPENS_AT + timedelta(milliseconds=5))

    assert sale.phase(OPENS_AT_MS + 4) == "before"
    assert sale.phase(OPENS_AT_MS + 5) == "open"
