"""Finding events: words, city, day, category and price, with what is left of each event."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, LiteralString

from booking_core.catalog.event import Availability, availability_of
from booking_core.catalog.remembered import Remembered
from booking_core.catalog.search_words import fold, prefix_query
from groundwork.clock import Clock
from groundwork.postgres import Pool, connection

PAGE_SIZE: Final = 20
# 10,000 events; nobody turns that many pages, and each costs what it skips.
PAGE_MAX: Final = 500
# In a rush many search for the same: they get one answer, at most so old.
ANSWER_AGE_MS: Final = 1_000
ANSWERS_REMEMBERED_MAX: Final = 512
# Of a process's eight connections; some hundred different searches a second are more than people make.
SEARCHES_AT_ONCE: Final = 2
# An event stays findable while people may still be coming in.
STARTED_AGO_MAX: Final = timedelta(hours=3)

# Filters are put together from these texts only; whatever was asked comes as a parameter.
WORDS_MATCH: Final = "search @@ to_tsquery('simple', %(words)s)"
CITY_MATCHES: Final = "city_words = %(city)s"
CATEGORY_MATCHES: Final = "category_words = %(category)s"
FROM_NOW_ON: Final = "starts_at >= %(first_moment)s"
# In the clock of the house; the moments around it are what an index is asked for.
ON_THE_DAY: Final = """starts_at >= %(first_moment)s AND starts_at < %(last_moment)s
    AND (starts_at AT TIME ZONE time_zone)::date = %(day)s"""
# A day of the calendar begins so much before that of UTC (Kiritimati), and ends so much after it.
EAST_MAX, WEST_MAX = timedelta(hours=14), timedelta(hours=12)
CHEAP_ENOUGH: Final = """EXISTS (SELECT FROM price_tiers t
    WHERE t.event_id = events.event_id AND t.price_cents <= %(price_max)s)"""
# The same, looked up for each event that passes all else: few of them, where all prices are many.
CHEAP_ENOUGH_EACH: Final = """(SELECT min(t.price_cents) FROM price_tiers t
    WHERE t.event_id = events.event_id) <= %(price_max)s"""
# Ranking reads the whole text of an event, 3 µs each: words that fit more events than these rank
# the soonest and leave the rest in the order of their start.
RANKED_MAX: Final = 1_000

# First who matches, with nothing but what the order needs; then one page; then what is shown.
BY_RANK: Final = """
WITH matching AS MATERIALIZED (
    SELECT event_id, starts_at,
        CASE WHEN row_number() OVER (ORDER BY starts_at, event_id) <= %(ranked)s
            THEN ts_rank(search, to_tsquery('simple', %(words)s)) ELSE 0 END AS rank
    FROM events WHERE {filters}
), page AS (
    SELECT event_id, starts_at, rank FROM matching
    ORDER BY rank DESC, starts_at, event_id LIMIT %(limit)s OFFSET %(offset)s
), found AS (
    SELECT count(*) AS total FROM matching
)"""
# In the order of their start they come from an index, and only as many as are shown or skipped.
BY_START: Final = """
WITH page AS (
    SELECT event_id, starts_at, 0 AS rank FROM events WHERE {filters}
    ORDER BY starts_at, event_id LIMIT %(limit)s OFFSET %(offset)s
), found AS (
    SELECT count(*) AS total FROM events WHERE {filters}
)"""
SHOWN: Final = """
SELECT found.total,
       e.event_id, e.sale_id, e.name, e.venue, e.city, e.category, e.starts_at, e.time_zone, e.currency,
       t.price_min, t.price_max, t.quantity, greatest(t.quantity - coalesce(a.sold, 0), 0)
FROM found
LEFT JOIN page ON true
LEFT JOIN events e USING (event_id)
LEFT JOIN availability a USING (event_id)
LEFT JOIN LATERAL (
    SELECT coalesce(min(price_cents), 0) AS price_min, coalesce(max(price_cents), 0) AS price_max,
           coalesce(sum(quantity), 0)::bigint AS quantity
    FROM price_tiers WHERE price_tiers.event_id = page.event_id
) t ON true
ORDER BY page.rank DESC, page.starts_at, page.event_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for; "" and None mean anything. `price_max` is in minor units.

    All words of `text` must be beginnings of words of the event; city and category must be the
    event's, in any case and accents; `day` is one in the clock of the event's house. Without a day,
    what is still to come.
    """

    text: str = ""
    city: str = ""
    category: str = ""
    day: date | None = None
    price_max: int | None = None
    page: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundEvent:
    """One event of a search; prices in minor units of `currency`."""

    event_id: str
    sale_id: str
    name: str
    venue: str
    city: str
    category: str
    starts_at: datetime
    time_zone: str
    currency: str
    price_min: int
    price_max: int
    available: int
    availability: Availability


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """One page of what was found, and how much there is in all."""

    events: tuple[FoundEvent, ...]
    page: int
    pages: int
    total: int


class EventSearch:
    """Searches of the catalogue; an answer is at most a second old."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._answers: Remembered[Search, SearchResult] = Remembered(
            self._find,
            clock,
            size_max=ANSWERS_REMEMBERED_MAX,
            age_ms=ANSWER_AGE_MS,
            turns=SEARCHES_AT_ONCE,
        )

    async def find(self, search: Search) -> SearchResult:
        """Return a page of the events that match, the best match first, then the soonest."""
        assert 1 <= search.page <= PAGE_MAX
        return await self._answers.get(search)

    async def _find(self, search: Search) -> SearchResult:
        if search.text.strip() and not prefix_query(search.text):
            return SearchResult(events=(), page=search.page, pages=1, total=0)  # no letter in it
        statement, parameters = make_statement(search, self._clock.now_ms())
        async with connection(self._pool) as database:
            cursor = await database.execute(statement, parameters)
            rows: list[tuple[Any, ...]] = await cursor.fetchall()
        total = rows[0][0]
        return SearchResult(
            events=tuple(_to_found(row) for row in rows if row[1] is not None),
            page=search.page,
            pages=min(PAGE_MAX, max(1, -(-total // PAGE_SIZE))),
            total=total,
        )


def make_statement(search: Search, now_ms: int) -> tuple[LiteralString, dict[str, object]]:
    """Return the one statement of a search and its parameters."""
    words = prefix_query(search.text)
    first_moment = datetime.fromtimestamp(now_ms / 1000, UTC) - STARTED_AGO_MAX
    filters: list[LiteralString] = [FROM_NOW_ON if search.day is None else ON_THE_DAY]
    if search.day is not None:
        day_of_utc = datetime(search.day.year, search.day.month, search.day.day, tzinfo=UTC)
        first_moment = day_of_utc - EAST_MAX
    if words:
        filters.append(WORDS_MATCH)
    if search.city:
        filters.append(CITY_MATCHES)
    if search.category:
        filters.append(CATEGORY_MATCHES)
    if search.price_max is not None:
        is_narrow = words or search.city or search.category or search.day is not None
        filters.append(CHEAP_ENOUGH_EACH if is_narrow else CHEAP_ENOUGH)
    statement: LiteralString = (BY_RANK if words else BY_START) + SHOWN
    return statement.format(filters=" AND ".join(filters)), {
        "words": words,
        "ranked": RANKED_MAX,
        "city": fold(search.city),
        "category": fold(search.category),
        "first_moment": first_moment,
        "last_moment": first_moment + EAST_MAX + timedelta(days=1) + WEST_MAX,
        "day": search.day,
        "price_max": search.price_max,
        "limit": PAGE_SIZE,
        "offset": (search.page - 1) * PAGE_SIZE,
    }


def _to_found(row: tuple[Any, ...]) -> FoundEvent:
    (
        _,
        event_id,
        sale_id,
        name,
        venue,
        city,
        category,
        starts_at,
        time_zone,
        currency,
        price_min,
        price_max,
        quantity,
        available,
    ) = row
    return FoundEvent(
        event_id=event_id,
        sale_id=sale_id,
        name=name,
        venue=venue,
        city=city,
        category=category,
        starts_at=starts_at,
        time_zone=time_zone,
        currency=currency,
        price_min=price_min,
        price_max=price_max,
        available=available,
        availability=availability_of(available, quantity),
    )
