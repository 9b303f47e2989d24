"""A fan without scripts pays with a card that only the payment provider sees."""

import re

from tests.support.fan import Fan
from tests.support.shop import Shop
from tests.support.truth import assert_settled

GOOD = {"number": "4242424242424242", "expiry": "12/40", "cvc": "123", "decision": "pay"}


async def form_of(shop: Shop, fan: Fan, event: str) -> tuple[str, str, str]:
    """The checkout, the order that waits for a card, and the page where it is typed."""
    checkout = f"/checkout/{await fan.held(event, 'A-1')}"
    paid = await fan.call(
        "POST", f"{checkout}/pay", data={"payment_method": "card_form", "idempotency_key": "card"}
    )
    assert paid.status == 303
    order = paid.headers["Location"]
    page = (await fan.call("GET", order)).body.decode()
    (address,) = re.findall(rf'href="({re.escape(shop.provider_url)}/card/[^"]+)"', page)
    assert "Enter my card" in page
    assert "Held for this payment until" in page
    return checkout, order, address


async def test_the_card_is_typed_at_the_provider_and_the_order_is_sold(shop: Shop) -> None:
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    _, order, address = await form_of(shop, fan, event)
    async with shop.session.post(address, data=GOOD, allow_redirects=False) as answer:
        assert answer.status == 303
        back = answer.headers["Location"]
    assert back.startswith(f"{shop.core_settings.shop_url}{order}?")
    await shop.settle()
    assert b"tickets.pdf" in (await fan.call("GET", order)).body
    await assert_settled(shop, event)


async def test_who_turns_back_keeps_the_places_and_pays_another_way(shop: Shop) -> None:
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    checkout, order, address = await form_of(shop, fan, event)
    async with shop.session.post(
        address, data={"decision": "refuse"}, allow_redirects=False
    ) as answer:
        assert answer.status == 303
    await shop.settle()
    page = (await fan.call("GET", order)).body.decode()
    assert "Your places are still held" in page
    assert f'href="{checkout}"' in page
    assert "went back on sale" not in page
    assert b"try another card" in (await fan.call("GET", checkout)).body
    # Once they are given back, nobody is told that they are held.
    await fan.call("POST", f"{checkout}/release")
    page = (await fan.call("GET", order)).body.decode()
    assert "went back on sale" in page
    assert f'href="{checkout}"' not in page
    await assert_settled(shop, event)
