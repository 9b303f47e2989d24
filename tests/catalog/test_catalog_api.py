"""The catalogue through HTTP: documents, caching, refusals as problems."""

import gzip
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from drafts import HALL_PRICES, STANDING, StandingClock, draft, hall

from booking_core.catalog.api import CATALOG, open_catalog, routes
from booking_core.catalog.availability import AvailabilityReader, LedgerAvailability
from groundwork.operations import add_operations
from groundwork.postgres import Pool
from groundwork.problem_json import problem_json

Client = TestClient[web.Request, web.Application]


class Known(AvailabilityReader):
    """Availability that was handed in."""

    async def available(self, event_id: str) -> Mapping[str, int]:
        return {"Gold": 1, "Silver": 0}


async def serve(pool: Pool, availability: AvailabilityReader | None = None) -> Client:
    app = web.Application(middlewares=[problem_json])
    open_catalog(app, pool, StandingClock(), availability=availability)
    add_operations(app, routes.operations)
    client: Client = TestClient(TestServer(app), auto_decompress=False)
    await client.start_server()
    return client


@pytest.fixture(scope="module")
async def client(pool: Pool, sale_id: str) -> AsyncIterator[Client]:
    client = await serve(pool)
    catalog = client.app[CATALOG]
    await catalog.create_seated_event(draft("seated", sale_id=sale_id), hall(), HALL_PRICES)
    await catalog.create_event(draft("drop", name="The Drop", stock=(STANDING,)))
    yield client
    await client.close()


async def problem(response: ClientResponse) -> dict[str, Any]:
    assert response.content_type == "application/problem+json"
    members: dict[str, Any] = await response.json(content_type=None)
    return members


async def test_an_event_says_everything_a_page_needs(client: Client) -> None:
    response = await client.get("/api/events/seated")
    assert response.headers["Cache-Control"] == "public, max-age=1"
    assert await response.json() == {
        "event_id": "seated",
        "name": "The Concert",
        "venue": "Old Hall",
        "city": "Wien",
        "category": "Concert",
        "description": "One evening.",
        "starts_at": "2027-05-31T20:00:00Z",
        "time_zone": "UTC",
        "currency": "EUR",
        "sale_id": "tour",
        "waiting_room_url": "/sales/tour",
        "seated": True,
        "seats_max": 8,
        "tiers": [
            {
                "tier": "Gold",
                "name": "Gold",
                "price": 9_000,
                "color": "#ffcc00",
                "quantity": 4,
                "available": 4,
            },
            {
                "tier": "Silver",
                "name": "Silver",
                "price": 4_500,
                "color": "#c0c0c0",
                "quantity": 2,
                "available": 2,
            },
        ],
        "charges": [],
        "price_min": 4_500,
        "price_max": 9_000,
        "available": 6,
        "availability": "available",
        "plan_url": "/api/events/seated/plan",
        "seats_url": "/api/events/seated/seats",
    }


async def test_an_event_of_stock_has_no_plan(client: Client) -> None:
    event = await (await client.get("/api/events/drop")).json()
    assert (event["seated"], event["plan_url"], event["seats_url"]) == (False, None, None)
    response = await client.get("/api/events/drop/plan")
    assert (response.status, (await problem(response))["code"]) == (404, "not-found")


async def test_availability_can_be_handed_in(client: Client, pool: Pool) -> None:
    other = await serve(pool, Known())
    event = await (await other.get("/api/events/seated")).json()
    await other.close()
    assert [tier["available"] for tier in event["tiers"]] == [1, 0]
    assert event["available"] == 1


ORDER = """
INSERT INTO orders (order_id, event_id, fan_id, reservation_id, idempotency_key, body_hash,
                    amount_cents, currency, payment_method, hold_epoch, deadline)
VALUES (gen_random_uuid(), 'claimed', 'fan', 'r', 'k', '', 1, 'EUR', 'card_ok', 1, now())
RETURNING order_id
"""


async def test_what_is_claimed_is_not_available(client: Client, pool: Pool) -> None:
    catalog = client.app[CATALOG]
    await catalog.create_seated_event(draft("claimed", stock=(STANDING,)), hall(), HALL_PRICES)
    async with pool.connection() as connection:
        row = await (await connection.execute(ORDER)).fetchone()
        assert row
        await connection.execute(
            "INSERT INTO seat_claims (event_id, seat_id, order_id) VALUES ('claimed', 'A-1', %s)",
            row,
        )
        await connection.execute("UPDATE stock_claims SET used = 97 WHERE event_id = 'claimed'")
    left = await LedgerAvailability(pool, StandingClock()).available("claimed")
    assert left == {"standing": 3, "Gold": 3, "Silver": 2}


@pytest.mark.parametrize("path", ["nothing", "Not-A-Slug", "x" * 64, "a%0A", "%00", "..%2Fsearch"])
@pytest.mark.parametrize("rest", ["", "/plan"])
async def test_an_event_that_is_not_there_is_not_found(
    client: Client, path: str, rest: str
) -> None:
    response = await client.get(f"/api/events/{path}{rest}")
    assert (response.status, (await problem(response))["code"]) == (404, "event-not-found")


async def test_the_plan_comes_in_columns(client: Client) -> None:
    response = await client.get("/api/events/seated/plan")
    assert response.headers["Content-Encoding"] == "gzip"
    assert response.headers["Cache-Control"] == "public, max-age=86400"
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.content_type == "application/json"
    plan = msgspec.json.decode(gzip.decompress(await response.read()))

    assert (plan["event_id"], plan["size"]) == ("seated", {"width": 1000, "height": 800})
    assert plan["focal_point"] == {"x": 160.0, "y": 70.0}
    assert plan["sections"] == [{"name": "Stalls"}]
    assert plan["tiers"] == ["Gold", "Silver"]
    assert len(plan["areas"]) == 5
    assert plan["areas"][0]["position"] == {"x": 105.0, "y": 205.0}
    assert plan["seats"] == {
        "seat_id": ["A-1", "A-2", "A-3", "A-4", "B-1", "B-2"],
        "tier": [0, 0, 0, 0, 1, 1],
        "section": [0] * 6,
        "row": ["A"] * 4 + ["B"] * 2,
        "number": ["1", "2", "3", "4", "1", "2"],
        "x": [125, 150, 175, 200, 125, 150],
        "y": [210] * 4 + [240] * 2,
        "accessible": [],
        "companions": [],
        "restricted_views": {},
    }


async def test_a_client_without_gzip_gets_the_same_plan(client: Client) -> None:
    packed = await client.get("/api/events/seated/plan")
    plain = await client.get("/api/events/seated/plan", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert await plain.read() == gzip.decompress(await packed.read())
    assert plain.headers["ETag"] == packed.headers["ETag"]


async def test_who_has_the_plan_is_told_so(client: Client) -> None:
    first = await client.get("/api/events/seated/plan")
    tag = first.headers["ETag"]
    for known in (tag, f'"other", {tag}', tag.removeprefix("W/"), "*"):
        again = await client.get("/api/events/seated/plan", headers={"If-None-Match": known})
        assert (again.status, await again.read()) == (304, b"")
        assert again.headers["ETag"] == tag
        assert again.headers["Cache-Control"] == "public, max-age=86400"
    other = await client.get("/api/events/seated/plan", headers={"If-None-Match": '"other"'})
    assert other.status == 200


async def test_a_search_answers_with_one_page(client: Client) -> None:
    response = await client.get("/api/events/search", params={"q": "drop", "city": "WIEN"})
    assert response.headers["Cache-Control"] == "public, max-age=1"
    assert await response.json() == {
        "events": [
            {
                "event_id": "drop",
                "name": "The Drop",
                "venue": "Old Hall",
                "city": "Wien",
                "category": "Concert",
                "starts_at": "2027-05-31T20:00:00Z",
                "time_zone": "UTC",
                "sale_id": "tour",
                "currency": "EUR",
                "price_min": 3_000,
                "price_max": 3_000,
                "available": 100,
                "availability": "available",
            }
        ],
        "page": 1,
        "pages": 1,
        "total": 1,
    }


async def test_every_parameter_of_a_search_counts(client: Client) -> None:
    async def total(**params: str) -> int:
        answer = await (await client.get("/api/events/search", params=params)).json()
        return int(answer["total"])

    assert await total(q="drop", date="2027-05-31", category="concert", price_max="3000") == 1
    assert await total(q="drop", date="2027-06-01") == 0
    assert await total(q="drop", category="sport") == 0
    assert await total(q="drop", price_max="2999") == 0
    assert await total(q="drop", page="", date=" ", price_max="") == 1
    assert await total(q="drop", utm_source="mail") == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("q", "x" * 101),
        ("city", "x" * 101),
        ("category", "x" * 101),
        ("date", "31.05.2027"),
        ("date", "2027-13-01"),
        ("date", "2027-02-30"),
        ("date", "9999-12-31"),
        ("date", "0001-01-01"),
        ("date", "2027-05-31T00:00"),
        ("date", "٢٠٢٧-٠٥-٣١"),
        ("price_max", "-1"),
        ("price_max", "9.50"),
        ("price_max", "1e3"),
        ("price_max", "9" * 13),
        ("price_max", "٣"),
        ("page", "0"),
        ("page", "501"),
        ("page", "-1"),
        ("page", "one"),
        ("page", "9" * 30),
    ],
)
async def test_a_parameter_that_breaks_a_rule_is_named(
    client: Client, field: str, value: str
) -> None:
    response = await client.get("/api/events/search", params={field: value})
    members = await problem(response)
    assert (response.status, members["code"], members["field"]) == (400, "request-invalid", field)
    assert members["rule"].startswith("must be")


@pytest.mark.parametrize(
    "text", ["%ED%A0%80", "%00", "%FF", "%27%3B--", "%25s", "+", "%F0%9F%8E%B8"]
)
async def test_strange_bytes_in_a_search_are_harmless(client: Client, text: str) -> None:
    for field in ("q", "city", "category"):
        response = await client.get(f"/api/events/search?{field}={text}")
        assert response.status == 200, await response.text()
