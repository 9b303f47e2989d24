"""Searching ten thousand events: words, filters, pages, and text that is up to no good."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from drafts import NOW, STANDING, StandingClock, draft
from hypothesis import given
from hypothesis import strategies as st

from booking_core.catalog.event import StockTier
from booking_core.catalog.events import Catalog
from booking_core.catalog.search import EventSearch, Search, make_statement
from booking_core.catalog.search_words import fold, prefix_query
from groundwork.postgres import Pool

EVENTS = [
    draft("beyonce", name="Beyoncé", venue="Stade", city="Zürich", stock=(STANDING,)),
    draft("acdc", name="AC/DC", city="ŁÓDŹ", stock=(StockTier("a", "A", 9_999, 10),)),
    draft("kino", name="КИНО", city="Αθήνα", category="Rock'n'Roll"),
    draft("will", name="will.i.am", description="with the Zurich Philharmonic"),
    draft("past", name="Beyoncé", starts_at=NOW - timedelta(hours=4)),
    draft("doors-open", name="Straßenfest", starts_at=NOW - timedelta(hours=1)),
    draft("chinese", name="周杰倫 演唱會", city="台北"),
]
# Enough words each that reading every event costs more than asking the index.
CROWD = """
INSERT INTO events (event_id, sale_id, name, city, category, description, starts_at, currency)
SELECT 'e-' || i, 'tour', 'Artist x' || md5((i % 700)::text), (array['Paris', 'Wien'])[i % 2 + 1],
       'Show', 'Everybody ' || (SELECT string_agg('w' || md5((i * 20 + word)::text), ' ')
                                FROM generate_series(1, 20) AS word),
       '2030-01-01Z'::timestamptz + i * interval '1 hour', 'EUR'
FROM generate_series(1, 10000) AS i
"""
CROWD_TIERS = """
INSERT INTO price_tiers (event_id, tier, position, name, price_cents, quantity, is_stock)
SELECT event_id, 'tier', 1, 'Tier', 100000, 10, true FROM events WHERE event_id LIKE 'e-%'
"""


@pytest.fixture(scope="module")
async def crowded(pool: Pool, sale_id: str) -> Pool:
    """Seven events of ours, and 10,000 others years later."""
    catalog = Catalog(pool, StandingClock())
    for one in EVENTS:
        await catalog.create_event(one)
    async with pool.connection() as connection:
        await connection.execute("SET statement_timeout = 60000")  # the crowd takes some seconds
        await connection.execute(CROWD)
        await connection.execute(CROWD_TIERS)
        await connection.execute("ANALYZE events")
        await connection.execute("UPDATE availability SET sold = 95 WHERE event_id = 'beyonce'")
        await connection.execute("UPDATE availability SET sold = 10 WHERE event_id = 'acdc'")
        await connection.execute("RESET statement_timeout")
    return pool


@pytest.fixture
def search(crowded: Pool) -> EventSearch:
    return EventSearch(crowded, StandingClock())


async def ids(search: EventSearch, **asked: Any) -> list[str]:
    return [event.event_id for event in (await search.find(Search(**asked))).events]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("beyonce", ["beyonce"]),
        ("BEYONCÉ", ["beyonce"]),
        ("beyo zur", ["beyonce"]),
        ("AC/DC", ["acdc"]),
        ("ac dc", ["acdc"]),
        ("dc", ["acdc"]),
        ("łódź", ["acdc"]),
        ("lodz", ["acdc"]),
        ("кино", ["kino"]),
        ("ΑΘΉΝΑ", ["kino"]),
        ("rock'n'roll", ["kino"]),
        ("will.i.am", ["will"]),
        ("strassenfest", ["doors-open"]),
        ("STRAẞENFEST", ["doors-open"]),
        ("周杰", ["chinese"]),
        ("台北", ["chinese"]),
        ("beyonce wien", []),
        ("eyonce", []),
        ("!?", []),
        ("🎸", []),
    ],
)
async def test_words_are_found_whatever_their_case_and_accents(
    search: EventSearch, text: str, found: list[str]
) -> None:
    assert await ids(search, text=text) == found


async def test_a_name_is_a_better_match_than_a_description(search: EventSearch) -> None:
    # "will" has Zurich in its description, "beyonce" in its city.
    assert await ids(search, text="zurich") == ["beyonce", "will"]


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE events; --",
        "a' | 'b",
        "!beyonce",
        "beyonce & !acdc",
        "beyonce:*A <-> x",
        "\\",
        "%s %(words)s",
        "((((",
        "\0\x01",
        "\ud800",
        "*" * 100,
        "a " * 50,
        "x" * 100,
    ],
)
async def test_text_that_is_up_to_no_good_is_only_text(search: EventSearch, text: str) -> None:
    for asked in (Search(text=text), Search(city=text), Search(category=text)):
        result = await search.find(asked)
        assert result.total <= 10_006
    assert (await search.find(Search())).total == 10_006


async def test_operators_of_the_query_language_are_no_operators(search: EventSearch) -> None:
    assert await ids(search, text="!beyonce") == ["beyonce"]
    assert await ids(search, text="beyonce | acdc") == []


async def test_without_words_all_that_is_still_to_come_is_found_soonest_first(
    search: EventSearch,
) -> None:
    result = await search.find(Search())
    assert (result.total, result.pages, len(result.events)) == (10_006, 500, 20)
    assert result.events[0].event_id == "doors-open"
    assert [one.starts_at for one in result.events] == sorted(
        one.starts_at for one in result.events
    )


async def test_pages_follow_each_other_without_a_gap(search: EventSearch) -> None:
    seen = [one for page in (1, 2, 3) for one in await ids(search, text="everybody", page=page)]
    assert seen == [f"e-{number}" for number in range(1, 61)]


async def test_a_page_behind_the_last_is_empty_and_says_how_many_there_are(
    search: EventSearch,
) -> None:
    result = await search.find(Search(text="beyonce", page=500))
    assert (result.events, result.total, result.pages, result.page) == ((), 1, 1, 500)


async def test_filters_narrow_the_search(search: EventSearch) -> None:
    assert await ids(search, city="zurich") == ["beyonce"]
    assert await ids(search, city="ZÜRICH ") == ["beyonce"]
    assert await ids(search, city="zur") == []
    assert await ids(search, category="ROCK'N'ROLL") == ["kino"]
    assert await ids(search, day=date(2027, 1, 1)) == ["past", "doors-open"]
    assert await ids(search, day=date(2027, 1, 1), text="strassen") == ["doors-open"]
    assert await ids(search, price_max=9_998) == ["beyonce"]
    assert sorted(await ids(search, price_max=9_999)) == ["acdc", "beyonce"]
    assert await ids(search, text="dc", city="lodz", category="concert", price_max=9_999) == [
        "acdc"
    ]


async def test_an_event_says_what_it_costs_and_what_is_left(search: EventSearch) -> None:
    (beyonce,) = (await search.find(Search(text="beyonce"))).events
    assert (beyonce.price_min, beyonce.price_max) == (3_000, 3_000)
    assert (beyonce.available, beyonce.availability) == (5, "few")
    assert beyonce.starts_at == datetime(2027, 5, 31, 20, tzinfo=UTC)
    (acdc,) = (await search.find(Search(text="ac dc"))).events
    assert (acdc.available, acdc.availability) == (0, "sold_out")
    (crowd, *_) = (await search.find(Search(text="everybody"))).events
    assert (crowd.available, crowd.availability) == (10, "available")


async def test_the_same_search_is_asked_once_a_second(crowded: Pool) -> None:
    clock = StandingClock()
    search = EventSearch(crowded, clock)
    first = await search.find(Search(text="beyonce"))
    assert await search.find(Search(text="beyonce")) is first
    clock.passed_ms += 1_000
    assert await search.find(Search(text="beyonce")) is not first


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        (Search(text="artist x0123456789abcdef"), "events_by_search"),
        (Search(text="beyonce zurich"), "events_by_search"),
        (Search(city="Zürich"), "events_by_city"),
        (Search(category="rock n roll"), "events_by_category"),
        (Search(day=date(2027, 1, 1)), "events_by_start"),
    ],
)
async def test_a_search_asks_an_index_and_is_one_statement(
    crowded: Pool, asked: Search, index: str
) -> None:
    statement, parameters = make_statement(asked, StandingClock().now_ms())
    async with crowded.connection() as connection:
        cursor = await connection.execute("EXPLAIN " + statement, parameters)
        lines = [str(row[0]) for row in await cursor.fetchall()]
    assert any(index in line for line in lines), "\n".join(lines)
    assert not any("Seq Scan on events" in line for line in lines), "\n".join(lines)


FOLDED = [
    "Beyoncé",
    "ÆTHER Œuvre Þór ẞ ß",
    "ØRESUND ŁÓDŹ ĐAKOVO Ð ı İ",
    "ΟΔΥΣΣΕΎΣ ς Ά",
    "ЁЛКА Йога ЄІЇҐ ЂЈЉЊЋЏ",
    "ＦＵＬＬ ｗｉｄｔｈ ½ ﬁ",
    "周杰倫—演唱會・ガ",
    "a_b-c.d/e@f:g*h|i&j!k(l)m'n\"o\\p",
    "🎸 ★ … „“ ×",
    "한국 العربية हिन्दी",
]


@pytest.mark.parametrize("text", FOLDED)
async def test_the_database_folds_as_we_do(pool: Pool, text: str) -> None:
    async with pool.connection() as connection:
        cursor = await connection.execute("SELECT search_words(%s)", (text,))
        assert await cursor.fetchone() == (fold(text),)


@pytest.fixture(scope="module")
def folding(database_dsn: str) -> Any:
    with psycopg.connect(database_dsn, autocommit=True) as connection:
        yield connection


LETTERS = st.characters(
    codec="utf-8", min_codepoint=1, max_codepoint=0x58F, exclude_categories=["Cs", "Cn"]
)


@given(text=st.text(LETTERS, max_size=40))
def test_whatever_is_written_in_our_letters_folds_alike(folding: Any, text: str) -> None:
    (answer,) = folding.execute("SELECT search_words(%s)", (text,)).fetchone()
    assert answer.split() == fold(text).split()


@given(text=st.text(max_size=60))
def test_any_text_makes_a_query_that_the_database_reads(folding: Any, text: str) -> None:
    folding.execute("SELECT to_tsquery('simple', %s)", (prefix_query(text),))
