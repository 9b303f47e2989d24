"""The ticket for the line: where it may be sent, and what is none."""

import pytest

from tests.support.fan import Fan
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
    place = await Fan(shop).call("GET", f"/api/sales/{sale}/place")
    assert (place.status, place.code) == (401, "ticket-invalid")


async def test_a_ticket_for_another_sale_and_a_pass_are_no_tickets(shop: Shop) -> None:
    sale, other = await shop.new_sale(), await shop.new_sale()
    fan = Fan(shop)
    await fan.join(other)
    inside = Fan.inside(shop, sale)
    for ticket in (fan.ticket, inside.admission):
        reply = await Fan(shop).call("POST", f"/api/sales/{sale}/admit", json={"ticket": ticket})
        assert (reply.status, reply.code) == (401, "ticket-invalid")
