"""The ticket for the line: where it may be sent, and what is none."""

import pytest

from tests.support.fan import DeviceKey, Fan
from tests.support.shop import Shop

TICKET = "onsale-ticket"


@pytest.mark.parametrize("way", ["body", "bearer", "cookie", "host-cookie"])
async def test_a_ticket_may_be_sent_in_every_way(shop: Shop, way: str) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop)
    await fan.join(sale)
    await shop.refresh_rooms()
    ticket = fan.ticket
    reply = await Fan(shop).call(
        "POST", f"/api/sales/{sale}/admit", credential=ticket if way == "bearer" else "",
        json={"ticket": ticket} if way == "body" else {},
        headers={
            "cookie": {"Cookie": f"{TICKET}-{sale}={ticket}"},
            "host-cookie": {"Cookie": f"__Host-{TICKET}-{sale}={ticket}"},
        }.get(way, {}),
    )  # fmt: skip
    assert reply.status == 201


@pytest.mark.parametrize("ticket", ["", "nonsense", "a.b.c", "x" * 4096, "\u2603"])
async def test_a_ticket_that_is_none_is_refused(shop: Shop, ticket: str) -> None:
    sale = await shop.new_sale()
    for path in ("admit", "leave"):
        reply = await Fan(shop).call(
            "POST", f"/api/sales/{sale}/{path}", json={"ticket": ticket},
            headers={"Cookie": f"{TICKET}-{sale}={ticket}"} if ticket.isascii() else {},
        )  # fmt: skip
        assert (reply.status, reply.code) == (401, "ticket-invalid")
        assert reply.headers["WWW-Authenticate"] == "Bearer"
    place = await Fan(shop).call("GET", f"/api/sales/{sale}/place")
    assert (place.status, place.code) == (401, "ticket-invalid")


@pytest.mark.parametrize("by", ["ticket in the body", "pass in the header"])
async def test_a_visit_is_left_by_ticket_or_pass(shop: Shop, by: str) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop)
    await fan.join(sale)
    await shop.refresh_rooms()
    await fan.let_in()
    await shop.refresh_rooms()
    board = f"/api/sales/{sale}/status"
    assert (await fan.call("GET", board)).json["inside"] == 1
    is_pass = by.startswith("pass")
    left = await Fan(shop).call(
        "POST", f"/api/sales/{sale}/leave", credential=fan.admission if is_pass else "",
        json={} if is_pass else {"ticket": fan.ticket},
    )  # fmt: skip
    assert left.status == 204
    await shop.refresh_rooms()
    assert (await fan.call("GET", board)).json["inside"] == 0
    other = Fan.inside(shop)
    refused = await other.call("POST", f"/api/sales/{sale}/leave", json={})
    assert (refused.status, refused.code) == (401, "ticket-invalid")


async def test_a_place_that_was_given_up_is_none_any_more(shop: Shop) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop)
    await fan.join(sale)
    await shop.refresh_rooms()
    left = await fan.call("POST", f"/api/sales/{sale}/leave", credential=fan.ticket)
    cookie = left.cookies[f"{TICKET}-{sale}"].partition(";")[0]
    headers = {"Cookie": f"{TICKET}-{sale}={cookie}"}
    # Other tabs still show the place: they are to hear that it has gone, not that it was not called.
    other = Fan(shop, headers=headers)
    refused = [
        await other.call("GET", f"/api/sales/{sale}/place"),
        await other.call("POST", f"/api/sales/{sale}/admit", json={}),
        await other.call("POST", f"/api/sales/{sale}/move", json={}),
    ]
    assert [(each.status, each.code) for each in refused] == [(401, "ticket-invalid")] * 3
    page = await other.call("GET", f"/sales/{sale}", headers={"Accept": "text/html"})
    assert b'data-stage="open"' in page.body
    by_form = await other.call("POST", f"/sales/{sale}/admit")
    assert (by_form.status, by_form.headers["Location"]) == (303, f"/sales/{sale}")
    again = await other.call("POST", f"/api/sales/{sale}/leave", json={})
    assert again.status == 204
    joined = await other.join(sale)
    assert (joined.status, joined.json["place"] is not None) == (201, True)
    place = await other.call("GET", f"/api/sales/{sale}/place", credential=other.ticket)
    assert place.json["place"] == joined.json["place"]


async def test_a_ticket_for_another_sale_and_a_pass_are_no_tickets(shop: Shop) -> None:
    sale, other = await shop.new_sale(), await shop.new_sale()
    fan = Fan(shop)
    await fan.join(other)
    inside = Fan.inside(shop, sale)
    for ticket in (fan.ticket, inside.admission):
        reply = await Fan(shop).call("POST", f"/api/sales/{sale}/admit", json={"ticket": ticket})
        assert (reply.status, reply.code) == (401, "ticket-invalid")


@pytest.mark.parametrize("has_key", [True, False])
async def test_who_joins_again_after_a_lost_store_keeps_the_place_they_were_told(
    shop: Shop, has_key: bool
) -> None:
    sale = await shop.new_sale()
    fan = Fan(shop, DeviceKey() if has_key else None)
    assert (await fan.join(sale)).json["place"] == 1
    assert (await Fan(shop).join(sale)).json["place"] == 2
    await shop.redis.flushall()
    other = await Fan(shop).join(sale)
    assert other.json["place"] > 2
    for _ in range(2):  # first as somebody new to the store, then as somebody it knows
        again = await fan.join(sale)
        assert (again.status, again.json["place"], again.json["fan_id"]) == (201, 1, fan.fan_id)
    stranger = Fan(shop, ticket=fan.ticket, key=DeviceKey())
    told = await stranger.join(sale)
    assert told.status == 201
    assert told.json["place"] > other.json["place"]
