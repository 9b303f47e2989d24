"""Money given back by an operator: once for each amount of an order, whatever goes wrong on the way."""

import asyncio

import pytest
from click.testing import CliRunner, Result

from booking_core.checkout.payments import PaymentRefused, PaymentUnknown
from groundwork.errors import OrderNotFound, RequestInvalid
from onsale.cli import main
from tests.support.fan import Fan
from tests.support.shop import Shop


async def sold(shop: Shop, *, is_settled: bool = True) -> tuple[Fan, str]:
    """A fan and their order of two seats for 90.00 euro."""
    event = await shop.new_event(2)
    fan = Fan.inside(shop)
    reply = await fan.complete(await fan.held(event, "A-1", "A-2"))
    assert reply.status == 201
    if is_settled:
        await shop.settle()
    return fan, str(reply.json["booking_id"])


def given(shop: Shop, order_id: str) -> list[int]:
    """What the provider has given back."""
    (intent,) = shop.intents_of(order_id)
    return [refund.amount for refund in intent.refunds]


async def work_all(shop: Shop) -> None:
    await shop.rows("UPDATE refunds SET not_before = now() WHERE done_at IS NULL")
    await shop.parts.refunding.work()


async def test_parts_and_then_the_rest_are_given_back_and_the_fan_sees_it(shop: Shop) -> None:
    fan, order_id = await sold(shop)
    refunds = shop.parts.refunding.refunds
    assert await refunds.ask(order_id, 1_250, "The view is blocked") == 1_250
    page = (await fan.call("GET", f"/orders/{order_id}")).body
    assert b"Given back" not in page, "not before it is"
    await work_all(shop)
    assert "Given back: €12.50" in (await fan.call("GET", f"/orders/{order_id}")).body.decode()
    assert await refunds.ask(order_id, None, "The event is off") == 7_750
    await work_all(shop)
    assert given(shop, order_id) == [1_250, 7_750]
    with pytest.raises(RequestInvalid, match="all of it"):
        await refunds.ask(order_id, None, "Again")
    assert (await fan.booking(order_id)).json["status"] == "confirmed"


async def test_the_same_refund_asked_for_at_once_is_given_once(shop: Shop) -> None:
    _, order_id = await sold(shop)
    refunds = shop.parts.refunding.refunds
    asked = await asyncio.gather(*(refunds.ask(order_id, 3_000, "Twice") for _ in range(8)))
    assert asked == [3_000] * 8
    await asyncio.gather(*(shop.parts.refunding.work() for _ in range(3)))
    assert given(shop, order_id) == [3_000]


async def test_together_askers_get_no_more_than_was_paid(shop: Shop) -> None:
    _, order_id = await sold(shop)
    refunds = shop.parts.refunding.refunds
    answers = await asyncio.gather(
        *(refunds.ask(order_id, 2_000 + number, "Race") for number in range(8)),
        return_exceptions=True,
    )
    agreed = [each for each in answers if isinstance(each, int)]
    assert len(agreed) == 4
    assert all("more than is left" in str(each) for each in answers if each not in agreed)
    await work_all(shop)
    assert sorted(given(shop, order_id)) == sorted(agreed)


@pytest.mark.parametrize(
    "trouble", [PaymentUnknown("refund", "TimeoutError"), PaymentRefused("refund", 400, "no")]
)
async def test_a_lost_answer_is_asked_for_again_and_gives_nothing_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    _, order_id = await sold(shop)
    refunds = shop.parts.refunding.refunds
    await refunds.ask(order_id, 500, "Lost")
    whole = type(shop.payments).refund

    async def lose_the_answer(self: object, *arguments: object) -> None:
        await whole(shop.payments, *arguments)  # type: ignore[arg-type]
        raise trouble

    with monkeypatch.context() as patch:
        patch.setattr(type(shop.payments), "refund", lose_the_answer)
        await work_all(shop)
    (refund,) = await refunds.of(order_id)
    assert (refund.done_at, refund.attempts) == (None, 1)
    assert await shop.parts.refunding.work() == 0, "not again at once"
    await work_all(shop)
    (refund,) = await refunds.of(order_id)
    assert refund.done_at is not None
    assert given(shop, order_id) == [500]


async def test_what_is_only_reserved_is_given_back_once_it_was_taken(shop: Shop) -> None:
    _, order_id = await sold(shop, is_settled=False)
    refunds = shop.parts.refunding.refunds
    await refunds.ask(order_id, None, "Early")
    await work_all(shop)
    assert given(shop, order_id) == []
    await shop.settle()
    await work_all(shop)
    assert given(shop, order_id) == [9_000]


async def test_what_cannot_be_given_back_is_refused(shop: Shop) -> None:
    _, order_id = await sold(shop)
    refunds = shop.parts.refunding.refunds
    for amount, reason in ((0, "None"), (-5, "Less"), (9_001, "More"), (5, ""), (5, "x" * 201)):
        with pytest.raises(RequestInvalid):
            await refunds.ask(order_id, amount, reason)
    with pytest.raises(OrderNotFound):
        await refunds.ask("00000000-0000-0000-0000-000000000000", None, "Nobody's")
    await refunds.ask(order_id, 4_500, "Half")
    with pytest.raises(RequestInvalid, match="name a part"):
        await refunds.ask(order_id, None, "The other half")
    assert given(shop, order_id) == []


async def test_an_operator_shows_an_order_and_gives_money_back(
    shop: Shop, database_dsn: str
) -> None:
    _, order_id = await sold(shop)

    async def type_in(*arguments: str) -> Result:
        run = CliRunner(env={"DATABASE_URL": database_dsn, "COLUMNS": "120"})
        return await asyncio.to_thread(run.invoke, main, ("order", *arguments))

    asked = await type_in("refund", order_id, "--amount", "12.50", "--reason", "Rain")
    assert asked.exit_code == 0, asked.output
    assert "€12.50" in asked.output
    assert "not yet given" in (await type_in("show", order_id)).output
    await work_all(shop)
    shown = (await type_in("show", order_id)).output
    for words in ("SOLD", "A-1", "€45.00", "€90.00", "€12.50, given", "Rain"):
        assert words in shown, shown
    for wrong in ("12.505", "a lot", "1e99", "NaN", "-Infinity"):
        refused = await type_in("refund", order_id, "--amount", wrong, "--reason", "Odd")
        assert refused.exit_code == 1, refused.output
        assert "request-invalid: amount" in refused.output
    assert (await type_in("show", "nobody")).exit_code == 1
