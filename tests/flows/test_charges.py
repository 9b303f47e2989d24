"""Fees and taxes: the same everywhere, to the minor unit, and PostgreSQL's word is what is paid."""

import asyncio
import random
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result
from pypdf import PdfReader

from booking_core.catalog.charges import Charge, charge_lines, charge_problems, total_with
from booking_core.catalog.event import StockTier
from booking_core.catalog.events import Catalog
from booking_core.catalog.refusals import EventRefused
from groundwork.errors import EventNotFound
from onsale.cli import main
from tests.support.fan import Fan
from tests.support.shop import Shop
from tests.support.truth import assert_settled

FEE = Charge("Booking fee", "per_ticket", 150)
HANDLING = Charge("Handling", "per_order", 250)
SERVICE = Charge("Service", "percent", 333)
ADDED = Charge("VAT", "tax_added", 1_900)
CITY = Charge("City tax", "tax_added", 175)
INCLUDED = Charge("VAT", "tax_included", 1_900)


@pytest.mark.parametrize(
    ("charges", "places", "count", "amounts", "total"),
    [
        ((), 9_000, 2, [], 9_000),
        ((FEE, HANDLING), 9_000, 2, [300, 250], 9_550),
        ((SERVICE,), 9_000, 2, [300], 9_300),  # 299.7
        ((SERVICE,), 50, 1, [2], 52),  # 1.665
        ((Charge("Half", "percent", 50),), 100, 1, [1], 101),  # 0.5 goes up
        ((FEE, ADDED), 9_000, 2, [300, 1_767], 11_067),
        ((ADDED, CITY, HANDLING), 1_000, 1, [238, 22, 250], 1_510),  # taxes of the fee, too
        ((INCLUDED,), 11_900, 1, [1_900], 11_900),
        ((INCLUDED, FEE), 9_000, 2, [1_485, 300], 9_300),  # of 9,300, 1,484.87
        ((ADDED,), 0, 3, [0], 0),
    ],
)
def test_a_bill(
    charges: tuple[Charge, ...], places: int, count: int, amounts: list[int], total: int
) -> None:
    lines = charge_lines(charges, places, count)
    assert [line.amount_cents for line in lines] == amounts
    assert total_with(places, lines) == total


async def test_the_ledger_counts_as_the_pages_do(shop: Shop) -> None:
    event = await shop.new_event(2)
    catalog, chance = Catalog(shop.pool), random.Random(7)
    for _ in range(60):
        tax = chance.choice(["tax_added", "tax_included"])
        charges = [
            Charge(f"{n}", kind, chance.randrange(10_001))
            for n, kind in enumerate(
                chance.choice(["per_ticket", "per_order", "percent", tax])
                for _ in range(chance.randrange(5))
            )
        ]
        await catalog.set_charges(event, charges)
        places, count = chance.randrange(10**9), chance.randrange(1, 9)
        rows = await shop.rows("SELECT amount FROM charges_v1(%s, %s, %s)", event, places, count)
        lines = charge_lines(charges, places, count)
        assert [row[0] for row in rows] == [line.amount_cents for line in lines], charges


async def test_what_is_shown_is_what_is_paid_on_every_page(shop: Shop, tmp_path: Path) -> None:
    event = await shop.new_event(3, charges=(FEE, HANDLING, ADDED))
    fan = Fan.inside(shop)
    told = (await fan.call("GET", f"/api/events/{event}")).json
    assert told["charges"][0] == {"name": "Booking fee", "kind": "per_ticket", "value": 150}
    about = (await fan.call("GET", f"/events/{event}")).body.decode()
    for words in (
        "fees and taxes are added, see below",
        "Added to these prices",
        "Booking fee: €1.50 for each ticket",
        "VAT: 19%",
    ):
        assert words in about, words
    reply = await fan.reserve(event, "A-1", "A-2")
    total = 9_000 + 300 + 250 + 1_815  # 19 % of 9,550: 1,814.5
    assert reply.json["total"] == total
    assert [each["amount"] for each in reply.json["charges"]] == [300, 250, 1_815]
    held = reply.json["reservation_id"]
    checkout = (await fan.call("GET", f"/checkout/{held}")).body.decode()
    for words in ("Booking fee", "€3<", "Handling", "€2.50", "VAT", "€18.15", "Pay €113.65"):
        assert words in checkout, words
    bought = await fan.complete(held)
    assert bought.json["total"] == total
    order = str(bought.json["booking_id"])
    await shop.settle()
    [intent] = shop.intents_of(order)
    assert (intent.amount, intent.amount_received) == (total, total)
    page = (await fan.call("GET", f"/orders/{order}")).body.decode()
    for words in ("Booking fee", "€18.15", "€113.65"):
        assert words in page, words
    pdf = await fan.call("GET", f"/orders/{order}/tickets.pdf")
    (path := tmp_path / "tickets.pdf").write_bytes(pdf.body)
    text = PdfReader(path).pages[0].extract_text()
    assert "Paid for the order: €113.65, with Booking fee €3.00, Handling €2.50" in text
    await shop.worker._audit()
    assert not await shop.rows("SELECT * FROM audit_findings WHERE event_id = %s", event)
    await assert_settled(shop, event)


async def test_a_tax_in_the_price_adds_nothing_and_all_of_it_goes_back(shop: Shop) -> None:
    stock = [StockTier("print", "Print", 11_900, 3)]
    event = await shop.new_event(stock=stock, charges=(INCLUDED,), cancel_minutes=60)
    fan = Fan.inside(shop)
    held = await fan.held(event, stock={"tier": "print", "quantity": 1})
    assert "VAT in it 19%" in (await fan.call("GET", f"/checkout/{held}")).body.decode()
    order = str((await fan.complete(held)).json["booking_id"])
    assert (await fan.booking(order)).json["total"] == 11_900
    await shop.settle()
    assert (await fan.call("POST", f"/api/bookings/{order}/cancel")).status == 200
    await shop.parts.refunding.work()
    [intent] = shop.intents_of(order)
    assert intent.amount_refunded == 11_900
    await shop.settle()
    await assert_settled(shop, event)


async def test_an_audit_sees_an_amount_that_is_not_its_lines(shop: Shop) -> None:
    event = await shop.new_event(2, charges=(FEE,))
    fan = Fan.inside(shop)
    order = (await fan.complete(await fan.held(event, "A-1"))).json["booking_id"]
    await shop.settle()
    await shop.rows("UPDATE order_charges SET amount_cents = 1 WHERE order_id = %s", order)
    await shop.worker._audit()
    kinds = await shop.rows("SELECT kind FROM audit_findings WHERE event_id = %s", event)
    assert ("amount_wrong",) in kinds
    await shop.rows("UPDATE order_charges SET amount_cents = 150 WHERE order_id = %s", order)


async def test_charges_stay_once_somebody_has_ordered(shop: Shop) -> None:
    event = await shop.new_event(2, charges=(FEE,))
    catalog = Catalog(shop.pool)
    await catalog.set_charges(event, (FEE, HANDLING))
    fan = Fan.inside(shop)
    assert (await fan.complete(await fan.held(event, "A-1"), "card_declined")).status == 402
    with pytest.raises(EventRefused, match="there are orders already"):
        await catalog.set_charges(event, ())
    with pytest.raises(EventNotFound):
        await catalog.set_charges("nobody", (FEE,))
    with pytest.raises(psycopg.errors.CheckViolation):
        await shop.rows("INSERT INTO event_charges VALUES (%s, 17, 'x', 'percent', 1)", event)


@pytest.mark.parametrize(
    "charges",
    [
        [ADDED, Charge("In it", "tax_included", 700)],
        [FEE, Charge("Booking fee", "per_order", 1)],
        [Charge("", "per_order", 1)],
        [Charge("x" * 65, "per_order", 1)],
        [Charge("Too much", "percent", 10_001)],
        [Charge("Less", "per_ticket", -1)],
        [Charge(str(n), "per_order", 1) for n in range(17)],
    ],
)
def test_wrong_charges_are_named(charges: list[Charge]) -> None:
    assert [*charge_problems(charges)]


async def test_an_operator_types_them(shop: Shop, database_dsn: str) -> None:
    event = await shop.new_event(2)

    async def type_in(*arguments: str) -> Result:
        run = CliRunner(env={"DATABASE_URL": database_dsn, "COLUMNS": "120"})
        return await asyncio.to_thread(run.invoke, main, ("event", *arguments))

    said = await type_in(
        "set", event, "--fee", "Booking fee=150", "--fee", "Handling=250/order",
        "--fee", "Service=3.33%", "--tax", "VAT=19%", "--tax", "City tax=1.75%",
    )  # fmt: skip
    assert said.exit_code == 0, said.output
    found = (await Catalog(shop.pool).get(event)).charges
    assert found == (FEE, HANDLING, SERVICE, ADDED, CITY)
    for wrong in ("Fee", "=150", "Fee=-1", "Fee=1.5", "Fee=3.333%", "Fee=150/seat"):
        assert (await type_in("set", event, "--fee", wrong)).exit_code == 2, wrong
    for wrong in ("VAT=19", "VAT=19% maybe", "=19%"):
        assert (await type_in("set", event, "--tax", wrong)).exit_code == 2, wrong
    mixed = await type_in("set", event, "--tax", "A=1%", "--tax", "B=2% included")
    assert mixed.exit_code == 1
    assert "not both" in mixed.output
    assert (await type_in("set", event)).exit_code == 2
    assert (await type_in("set", event, "--no-charges")).exit_code == 0
    assert (await Catalog(shop.pool).get(event)).charges == ()
    made = await type_in(
        "create", "--event", f"{event}-b", "--sale", "tour", "--name", "B", "--stock", "x=1000:5",
        "--starts-at", "2030-05-31T20:00:00Z", "--tax", "VAT=19% included", "--cancel-until", "2d",
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    created = await Catalog(shop.pool).get(f"{event}-b")
    assert (created.charges, created.cancel_minutes) == ((INCLUDED,), 2_880)
