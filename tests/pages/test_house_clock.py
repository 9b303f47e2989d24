"""When an event begins: in the clock of its house on every page, or else in the fan's own."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from booking_core.catalog.event import EventDraft, StockTier
from booking_core.catalog.events import Catalog
from booking_core.catalog.refusals import EventRefused
from booking_core.catalog.search import EventSearch, Search
from gateway.waiting_room.sales import Sale, SaleRecords
from groundwork.clock import SystemClock
from groundwork.languages import BY_CODE, ENGLISH, LANGUAGES
from groundwork.pages import PageRenderer
from groundwork.postgres import Pool
from groundwork.zones import is_time_zone, zone_of
from tests.pages import sample_views

ROOT = Path(__file__).parents[2]
# Saturday evening in New York, Sunday in UTC.
EVENING = datetime(2027, 6, 13, tzinfo=UTC)
TIME = re.compile(r'<time[^>]*datetime="2027-06-13T00:00:00Z"([^>]*)>([^<]*)</time>')


@pytest.fixture(scope="module")
def renderer() -> PageRenderer:
    return PageRenderer({"room": ROOT / "gateway/pages", "shop": ROOT / "booking_core/pages"})


def page_in(template: str, state: str, time_zone: str) -> Any:
    page = sample_views.ALL_PAGES[template][state]
    changes = {"starts_at": EVENING, "time_zone": time_zone}
    if template == "waiting_room.html":
        return replace(page, events=tuple(replace(event, **changes) for event in page.events))
    if template == "on_sale.html":
        cards = (replace(card, event=replace(card.event, **changes)) for card in page.cards)
        return replace(page, cards=tuple(cards))
    return replace(page, event=replace(page.event, **changes))


PAGES = [
    ("waiting_room.html", "waiting", "Sat, 12 Jun 2027, 20:00 EDT"),
    ("on_sale.html", "all", "12 Jun 2027"),
    ("event.html", "plain", "Sat, 12 Jun 2027, 20:00 EDT"),
    ("checkout.html", "held", "Sat, 12 Jun 2027, 20:00 EDT"),
    ("order.html", "confirmed", "Sat, 12 Jun 2027, 20:00 EDT"),
]


@pytest.mark.parametrize(("template", "state", "told"), PAGES)
def test_a_page_tells_an_evening_in_new_york_as_its_tickets_do(
    renderer: PageRenderer, template: str, state: str, told: str
) -> None:
    html = renderer.render(template, page_in(template, state, "America/New_York"))
    found = TIME.findall(html)
    assert found
    assert {words for _, words in found} == {told}
    # Scripts put the fan's own clock only where this is said.
    assert not any("data-local" in attributes for attributes, _ in found)
    plain = renderer.render(template, page_in(template, state, "UTC"))
    assert all("data-local" in attributes for attributes, _ in TIME.findall(plain))


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda each: each.code)
def test_a_moment_says_its_zone_in_every_language(renderer: PageRenderer, language: Any) -> None:
    page = page_in("event.html", "plain", "Europe/Berlin")
    html = renderer.render("event.html", page, BY_CODE.get(language.code, ENGLISH))
    ((_, words),) = TIME.findall(html)
    assert words.endswith("CEST")
    assert re.search(r"\b0?2:00 CEST", words)


def test_zones_are_known_by_their_names() -> None:
    assert all(map(is_time_zone, ("UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires")))
    assert not any(map(is_time_zone, ("", "Berlin", "localtime", "../etc/passwd", "+02:00")))
    assert zone_of("../etc/passwd") is UTC


async def test_the_waiting_room_knows_the_clock_of_the_shops_event(pool: Pool) -> None:
    await SaleRecords(pool).create(
        Sale(
            sale_id="far-away", name="Far away", opens_at=EVENING, state="open", pause_reason="",
            message="", rate_per_minute=60, burst=1, capacity=10,
        )
    )  # fmt: skip
    draft = EventDraft(
        event_id="evening", sale_id="far-away", name="Evening", starts_at=EVENING, currency="USD",
        time_zone="America/New_York", stock=(StockTier("day", "Day", 100, 5),),
    )  # fmt: skip
    await Catalog(pool).create_event(draft)
    (event,) = (await SaleRecords(pool).get("far-away")).events
    assert (event.starts_at, event.time_zone) == (EVENING, "America/New_York")

    async def found(day: date) -> int:
        return (await EventSearch(pool, SystemClock()).find(Search(day=day))).total

    # The day that its card shows is the day it is found on.
    assert [await found(date(2027, 6, day)) for day in (11, 12, 13)] == [0, 1, 0]
    await Catalog(pool).set_time_zone("evening", "Pacific/Kiritimati")
    assert [await found(date(2027, 6, day)) for day in (12, 13, 14)] == [0, 1, 0]


async def test_a_zone_that_postgresql_does_not_know_is_refused(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("booking_core.catalog.event.is_time_zone", lambda _: True)
    draft = EventDraft(
        event_id="mars", sale_id="far-away", name="Mars", starts_at=EVENING, currency="USD",
        time_zone="Mars/Olympus_Mons",
    )  # fmt: skip
    with pytest.raises(EventRefused, match="PostgreSQL"):
        await Catalog(pool).create_event(draft)
    with pytest.raises(EventRefused, match="PostgreSQL"):
        await Catalog(pool).set_time_zone("evening", "Mars/Olympus_Mons")
