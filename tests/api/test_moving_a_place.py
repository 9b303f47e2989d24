"""Moving a place to another device: the link, the claim, and everything that is none."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gateway.app_keys import ROOMS
from gateway.bot_checks.limits import CLAIMS, LINKS
from gateway.draw.draw import Draw
from gateway.draw.drawing import Drawing
from gateway.draw.records import DrawPlan
from gateway.waiting_room.sales import Sale, SaleRecords
from groundwork.redis_store import RedisStore
from groundwork.token_claims import MoveClaims
from lua.keys import sale_keys
from tests.support.fan import DeviceKey, Fan, Reply
from tests.support.shop import Shop


async def waiting(shop: Shop, key: DeviceKey | None = None) -> tuple[str, Fan]:
    """A fan who waits in a sale that calls nobody yet."""
    sale = await shop.new_sale(state="paused")
    fan = Fan(shop, key or DeviceKey())
    assert (await fan.join(sale)).status == 201
    return sale, fan


async def asked(fan: Fan, sale: str, action: str, **body: Any) -> Reply:
    path = f"/api/sales/{sale}/{action}"
    return await fan.call("POST", path, json=body, credential="", headers=fan.proven("POST", path))


async def link_of(fan: Fan, sale: str) -> str:
    reply = await asked(fan, sale, "move", ticket=fan.ticket)
    assert reply.status == 201, reply
    return str(reply.json["link"])


async def claimed(fan: Fan, sale: str, link: str) -> Reply:
    reply = await asked(fan, sale, "move/claim", link=link)
    if reply.status == 201:
        fan.ticket, fan.sale_id = reply.json["ticket"], sale
    return reply


async def place(fan: Fan, sale: str) -> Reply:
    return await fan.call("GET", f"/api/sales/{sale}/place", credential=fan.ticket)


async def test_a_place_that_was_given_up_does_not_move(shop: Shop) -> None:
    sale, fan = await waiting(shop)
    claims = shop.tokens.read_ticket(fan.ticket, sale)
    empty = shop.tokens.sign_ticket(msgspec.structs.replace(claims, place=None))
    refused = await asked(fan, sale, "move", ticket=empty)
    assert (refused.status, refused.code) == (401, "ticket-invalid")


async def test_a_place_moves_and_counts_on_the_other_device_alone(shop: Shop) -> None:
    sale, laptop = await waiting(shop)
    phone = Fan(shop, DeviceKey())
    link = await link_of(laptop, sale)
    assert (await place(laptop, sale)).status == 200, "a link alone moves nothing"
    moved = await claimed(phone, sale, link)
    assert (moved.status, moved.json["place"]) == (201, 1)
    assert f"onsale-ticket-{sale}" in moved.cookies
    ticket = shop.tokens.read_ticket(phone.ticket, sale)
    assert phone.key is not None
    assert ticket.jkt == phone.key.jkt
    assert ticket.entered_as == laptop.fan_id
    again = await claimed(phone, sale, link)
    assert (again.status, again.json["place"]) == (201, 1), "a lost answer is asked for again"

    assert ((await place(laptop, sale)).status, (await place(laptop, sale)).code) == (
        *(410, "ticket-moved"),
    )
    assert (await laptop.join(sale)).code == "ticket-moved"
    assert (await asked(laptop, sale, "move", ticket=laptop.ticket)).code == "ticket-moved"
    await shop.change_sale(sale, state="open")
    assert (await laptop.admit()).code == "ticket-moved"
    assert (await phone.let_in()).status == 201
    assert (await place(phone, sale)).json["place"] == 1


async def test_looking_at_a_place_asks_no_store(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale, laptop = await waiting(shop)
    askers: list[str] = []
    send = RedisStore.send

    def noted(self: RedisStore, name: str, command: bytes) -> Any:
        # What runs by itself each second is asked once, however many fans there are.
        task = asyncio.current_task()
        if task is not None and "RequestHandler" in repr(task.get_coro()):
            askers.append(name)
        return send(self, name, command)

    monkeypatch.setattr(RedisStore, "send", noted)
    for _ in range(5):
        assert (await place(laptop, sale)).status == 200
        for accept in ("application/json", "text/html"):
            seen = await laptop.call(
                "GET", f"/sales/{sale}", credential=laptop.ticket, headers={"Accept": accept}
            )
            assert seen.status == 200
    assert askers == []


async def test_another_process_learns_of_a_move_by_itself(shop: Shop) -> None:
    sale, laptop = await waiting(shop)
    moved = f"general/{shop.tokens.read_ticket(laptop.ticket, sale).fan_id}"
    await shop.redis.hset(sale_keys(sale)["moved"], moved, "f_phone")  # type: ignore[misc]
    async with asyncio.timeout(5):
        while (await place(laptop, sale)).status != 410:
            await asyncio.sleep(0.05)


async def test_a_link_is_good_for_one_device(shop: Shop) -> None:
    sale, laptop = await waiting(shop)
    first, second = await link_of(laptop, sale), await link_of(laptop, sale)
    assert (await claimed(Fan(shop, DeviceKey()), sale, first)).status == 201
    for link in (first, second):
        refused = await claimed(Fan(shop, DeviceKey()), sale, link)
        assert (refused.status, refused.code) == (410, "move-link-invalid")
        assert refused.json["reason"] == "used"


async def test_a_place_does_not_move_for_ever(shop: Shop) -> None:
    sale, fan = await waiting(shop)
    burst = CLAIMS.flow("own").burst
    for _ in range(burst):
        fan, link = Fan(shop, DeviceKey()), await link_of(fan, sale)
        assert (await claimed(fan, sale, link)).status == 201
    too_often = await claimed(Fan(shop, DeviceKey()), sale, await link_of(fan, sale))
    assert (too_often.status, too_often.code) == (429, "too-many-requests")
    assert (await place(fan, sale)).json["place"] == 1, "it stays where it is"
    links = [
        await asked(fan, sale, "move", ticket=fan.ticket) for _ in range(LINKS.flow("own").burst)
    ]
    assert links[-1].code == "too-many-requests", "by its first name, too"


async def test_what_is_no_link_moves_nothing(shop: Shop) -> None:
    sale, laptop = await waiting(shop)
    other_sale, _ = await waiting(shop)
    link = await link_of(laptop, sale)
    now_ms = shop.clock.now_ms()
    old = MoveClaims(
        fan_id=laptop.fan_id, sale_id=sale, move_id="m", place=1,
        issued_at_ms=now_ms - 3_600_000, expires_at_ms=now_ms - 3_000_000,
    )  # fmt: skip
    phone = Fan(shop, DeviceKey())
    for wrong, where, reason in (
        (shop.tokens.sign_move(old), sale, "expired"),
        (link, other_sale, "invalid"),
        (link[:-8] + "AAAAAAAA", sale, "invalid"),
        (laptop.ticket, sale, "invalid"),
        ("nonsense", sale, "invalid"),
    ):
        refused = await claimed(phone, where, wrong)
        assert (refused.code, refused.json["reason"]) == ("move-link-invalid", reason)
    unbound = await claimed(Fan(shop), sale, link)
    assert unbound.code == "device-proof-invalid"
    own = await claimed(laptop, sale, link)
    assert (own.code, own.json["reason"]) == ("move-link-invalid", "own-device")
    assert (await place(laptop, sale)).json["place"] == 1


async def test_a_link_needs_the_key_of_the_place(shop: Shop) -> None:
    sale, laptop = await waiting(shop)
    for thief in (Fan(shop), Fan(shop, DeviceKey())):
        refused = await asked(thief, sale, "move", ticket=laptop.ticket)
        assert refused.code == "device-proof-invalid"


async def test_who_is_inside_stays_there(shop: Shop) -> None:
    sale, laptop = await waiting(shop)
    link = await link_of(laptop, sale)
    await shop.change_sale(sale, state="open")
    assert (await laptop.let_in()).status == 201
    refused = await claimed(Fan(shop, DeviceKey()), sale, link)
    assert (refused.status, refused.code) == (409, "move-refused")
    assert refused.json["reason"] == "inside"


@pytest.mark.parametrize("loss", ["FLUSHALL", "SCRIPT FLUSH"])
async def test_a_moved_place_stays_moved_when_redis_is_lost(shop: Shop, loss: str) -> None:
    sale, laptop = await waiting(shop)
    phone = Fan(shop, DeviceKey())
    await claimed(phone, sale, await link_of(laptop, sale))
    await shop.redis.execute_command(*loss.split())
    await shop.change_sale(sale, state="open")
    await shop.refresh_rooms()
    assert (await laptop.admit()).code == "ticket-moved"
    assert (await phone.let_in()).status == 201


def is_lacking(shop: Shop, sale: Sale, entry_number: int) -> bool:
    """Whether the sale's draw tells that the entry was lost."""
    draw = shop.gateway[ROOMS].room(sale.sale_id).sale.draw
    return draw is not None and draw.on_board(sale.opens_at_ms).lacks(entry_number)


async def test_a_moved_entry_that_was_lost_is_entered_again_by_who_has_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def not_yet(_drawing: Drawing, _sale_id: str, draw: Draw) -> Draw:
        return draw

    monkeypatch.setattr(Drawing, "_flush", not_yet)  # what the roster has is not lost
    sale = Sale(
        sale_id="moved-and-lost", name="Drawn", opens_at=datetime.now(UTC) + timedelta(hours=1),
        state="open", pause_reason="", message="", rate_per_minute=60, burst=1, capacity=100,
    )  # fmt: skip
    await SaleRecords(shop.pool).create(sale, DrawPlan(b"\x17" * 32))
    await shop.refresh_rooms()
    laptop, phone = Fan(shop, DeviceKey()), Fan(shop, DeviceKey())
    lost = (await laptop.join(sale.sale_id)).json["entry_number"]
    assert (await claimed(phone, sale.sale_id, await link_of(laptop, sale.sale_id))).status == 201
    await shop.redis.execute_command("FLUSHALL")
    await Fan(shop).join(sale.sale_id)  # whoever comes first finds out what is missing
    async with asyncio.timeout(10):
        while not is_lacking(shop, sale, lost):
            await shop.refresh_rooms()

    again = await place(phone, sale.sale_id)
    assert again.status == 200, again
    ticket = shop.tokens.read_ticket(again.json["ticket"], sale.sale_id)
    assert (ticket.fan_id, ticket.entered_as) == (
        shop.tokens.read_ticket(phone.ticket, sale.sale_id).fan_id,
        None,
    )
    assert ticket.entry_number and ticket.entry_number > lost
    once_more = await place(phone, sale.sale_id)
    assert shop.tokens.read_ticket(once_more.json["ticket"], sale.sale_id) == ticket
