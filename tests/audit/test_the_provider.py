"""An audit of the money: the provider's payments and our orders, looked at from both sides."""

from dataclasses import replace

import aiohttp
import msgspec
import pytest
from audited import audit, found, sold, spoilt

from booking_core.audit.provider_check import PaidOrder, judge
from booking_core.audit.provider_list import ListedPayment, ProviderList
from booking_core.practice_provider.app_keys import BOOK
from groundwork.errors import StoreUnavailable
from tests.support.fan import Fan
from tests.support.opening import SECRET_KEY
from tests.support.shop import Shop

PAYMENT = ListedPayment("pi_1", "succeeded", 4_500, 4_500, 0, "EUR", "order", 0)
ORDER = PaidOrder("order", "event", "SOLD", 4_500, "EUR", "pi_1", is_captured=True)
RESERVED = replace(PAYMENT, status="requires_capture", taken_cents=0)
CANCELLED = replace(PAYMENT, status="canceled", taken_cents=0)
RELEASED = replace(ORDER, state="RELEASED", is_captured=False)
PAYING = replace(ORDER, state="AUTHORIZING", is_captured=False)


@pytest.mark.parametrize(
    ("payment", "order", "kind"),
    [
        (PAYMENT, ORDER, None),
        (RESERVED, replace(ORDER, is_captured=False), None),
        (RESERVED, ORDER, "sale_without_money"),  # we noted that it was taken
        (CANCELLED, ORDER, "sale_without_money"),
        (replace(PAYMENT, amount_cents=4_400), ORDER, "amount_differs"),
        (replace(PAYMENT, currency="USD"), ORDER, "amount_differs"),
        (PAYMENT, replace(ORDER, payment_id="pi_2"), "money_without_sale"),
        (PAYMENT, RELEASED, "money_without_sale"),
        (PAYMENT, None, "money_without_sale"),
        (replace(PAYMENT, refunded_cents=4_500), RELEASED, None),
        (replace(PAYMENT, refunded_cents=4_400), RELEASED, "money_without_sale"),
        (RESERVED, RELEASED, "reserved_without_order"),
        (RESERVED, None, "reserved_without_order"),
        (RESERVED, replace(ORDER, payment_id="pi_2"), "reserved_without_order"),
        (CANCELLED, RELEASED, None),
        (RESERVED, PAYING, None),
        (PAYMENT, PAYING, None),  # to be found out by who carries the order
    ],
)
def test_a_payment_and_its_order(
    payment: ListedPayment, order: PaidOrder | None, kind: str | None
) -> None:
    finding = judge(payment, order)
    assert (finding.kind if finding else None) == kind


async def test_money_for_nothing_is_found(shop: Shop) -> None:
    event = await shop.new_event(3)
    order = await sold(shop, event, "A-1")
    payment = shop.intents_of(order)[0].id
    async with spoilt(
        shop,
        "UPDATE orders SET payment_id = 'pi_other' WHERE order_id = %s",
        f"UPDATE orders SET payment_id = '{payment}' WHERE order_id = %s",
        order,
    ):
        both = [("money_without_sale", payment), ("sale_without_money", "pi_other")]
        assert await found(shop, event) == both
    assert await found(shop, event) == []


async def test_money_given_back_behind_our_back_is_not_there(shop: Shop) -> None:
    event = await shop.new_event(3)
    order = await sold(shop, event, "A-1")
    intent = shop.intents_of(order)[0]
    book = shop.provider[BOOK]
    book.refund(intent.id, 4_500, None, {})
    audited = await audit(shop, event)
    assert audited.money.refunded["EUR"] >= 4_500
    assert [(each.kind, each.about) for each in audited.findings] == [
        ("sale_without_money", intent.id)
    ]


async def test_money_an_operator_gave_back_is_not_missing(shop: Shop) -> None:
    event = await shop.new_event(3)
    order = await sold(shop, event, "A-1")
    await shop.parts.refunding.refunds.ask(order, None, "The event is off")
    assert await shop.parts.refunding.work() == 1
    assert shop.intents_of(order)[0].amount_refunded == 4_500
    assert await found(shop, event) == []


async def test_payments_of_others_in_the_same_account_are_found(shop: Shop) -> None:
    book = shop.provider[BOOK]
    order = await sold(shop, await shop.new_event(1), "A-1")
    theirs = msgspec.structs.replace(
        shop.intents_of(order)[0], id="pi_theirs", metadata={"order_id": "x"}
    )
    book.put(theirs)
    try:
        assert ("money_without_sale", "pi_theirs") in await found(shop)
        # A later audit that lists only the newest looks again at what an earlier one found.
        audited = await shop.parts.auditor.audit([], repairs=False, pages_max=0)
        assert audited is not None
        assert [each.about for each in audited.findings if each.about == "pi_theirs"]
    finally:
        book.put(msgspec.structs.replace(theirs, status="canceled", amount_received=0))
    assert "pi_theirs" not in {about for _, about in await found(shop)}


async def test_a_payment_under_way_is_no_finding(shop: Shop) -> None:
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    reply = await fan.complete(await fan.held(event, "A-1"), "card_requires_action")
    assert reply.status == 202
    declined = await Fan.inside(shop).complete(
        await Fan.inside(shop).held(event, "A-2"), "card_declined"
    )
    assert declined.status in (402, 404, 410), declined
    known = {about for _, about in await found(shop, event)}
    assert not known & {each.id for each in shop.intents() if each.status != "succeeded"}


async def test_a_provider_that_does_not_answer_is_no_finding_and_no_balance(shop: Shop) -> None:
    provider = shop.parts.auditor._provider_check._provider
    base_url, provider._base_url = provider._base_url, "http://127.0.0.1:9"
    try:
        audited = await audit(shop)
    finally:
        provider._base_url = base_url
    assert audited.failed == ("provider",)
    assert not audited.is_balanced


async def test_the_list_is_read_page_by_page(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("booking_core.audit.provider_list.PAGE", 2)
    event = await shop.new_event(5)
    orders = [await sold(shop, event, f"A-{n}") for n in range(1, 6)]
    async with aiohttp.ClientSession() as session:
        provider = ProviderList(session, shop.provider_url, SECRET_KEY)
        pages = [page async for page in provider.pages(2)]
        assert [[each.order_id for each in page] for page in pages] == [
            orders[:2:-1], orders[2:0:-1],
        ]  # fmt: skip
        everything = [each async for page in provider.pages() for each in page]
        assert len(everything) == len(shop.intents())
        assert await provider.get("pi_of_nobody") is None
        stranger = ProviderList(session, shop.provider_url, "sk_of_nobody")
        with pytest.raises(StoreUnavailable):
            await stranger.get("pi_1")
