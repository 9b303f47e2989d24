"""One order by a seed: its buyer, a repeat, two rescuers at once, the deadline; some of them die.

The real checkout on the real stores and the real provider. One actor acts at a time, from one outside
effect to the next, so that the seed alone says in which order things happen.
"""

import random
from collections.abc import Coroutine
from dataclasses import dataclass, replace
from typing import Any

from booking_core.checkout.booking import Bookings, CompleteRequest
from booking_core.ledger.order import FINAL
from booking_core.practice_provider import intents
from booking_core.practice_provider.app_keys import BOOK
from groundwork.clock import SystemTokenSource
from tests.simulation.turns import ACTOR, Doom, Turns
from tests.support.fan import Fan
from tests.support.shop import Shop

# The bank of these decides at once; those that take their time are told in tests/flows.
CARDS = ("card_ok", "card_ok", "card_ok", "card_declined", "card_error_500", "card_requires_action")
ORDER_EFFECTS = frozenset(
    {"by_key", "by_reservation", "read", "claim", "note_payment", "note_next_action",
     "begin_authorizing", "begin_expiring", "sell", "sell_late", "release", "carry", "put_down",
     "note_answer", "note_captured"}
)  # fmt: skip
PAYMENT_EFFECTS = frozenset({"create", "confirm", "get", "cancel", "capture"})
HOLD_EFFECTS = frozenset({"keep_for_payment", "end_payment", "release", "settle"})
# Actors die within their first effects; the longest life has about so many.
DEATH_SHARE, LIFE_MAX = 0.55, 20
REPEAT_SHARE, DEADLINE_SHARE, LATE_MONEY_SHARE, STOCK_SHARE = 0.4, 0.35, 0.3, 0.25
# What is left is finished by rescuers who live; more rounds than that is a bug.
ROUNDS_MAX = 20
# Turns that rescuers and the deadline let pass at most: about as many as a buyer's call has.
MOMENTS_MAX = 12
# How often a rescuer looks; an order that is not there yet may be the next time.
RESCUES = 4


class Staged:
    """Anything whose named methods wait for their turn."""

    def __init__(self, whole: Any, names: frozenset[str], turns: Turns) -> None:
        self._whole, self._names, self._turns = whole, names, turns

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._whole, name)
        if name not in self._names or ACTOR.get(None) is None:
            return method
        label = f"{type(self._whole).__name__}.{name}"

        async def staged(*args: Any, **kwargs: Any) -> Any:
            return await self._turns.around(label, lambda: method(*args, **kwargs))

        return staged


class StagedShop:
    """The checkout of one process whose effects wait for their turns."""

    def __init__(self, shop: Shop, turns: Turns) -> None:
        parts = shop.parts
        orders: Any = Staged(parts.orders, ORDER_EFFECTS, turns)
        holds: Any = Staged(parts.holds, HOLD_EFFECTS, turns)
        payments: Any = Staged(parts.checkout.payments, PAYMENT_EFFECTS, turns)
        self.checkout = replace(parts.checkout, orders=orders, payments=payments, holds=holds)
        self.bookings = Bookings(
            holds, orders, parts.catalog, self.checkout, parts.issuer, SystemTokenSource(),
            shop.core_settings,
        )  # fmt: skip


@dataclass(frozen=True)
class Told:
    """How a story went: who did what, in order, and how the order ended."""

    steps: tuple[str, ...]
    end: str


async def tell_checkout_story(shop: Shop, event: str, seed: int, *, is_late: bool = False) -> Told:
    """Live through the seed's story and finish it. Fails unless its end is good.

    `is_late`: a good card, nobody dies, and the deadline passes; such stories come close to the
    races that the protocol is about.
    """
    rng = random.Random(seed)
    card = "card_ok" if is_late else rng.choice(CARDS)
    fan = Fan.inside(shop)
    wanted: dict[str, Any] = {"best_available": {"quantity": 1}}
    if rng.random() < STOCK_SHARE:
        wanted = {"stock": {"tier": "print", "quantity": 2}}
    held = await fan.held(event, **wanted)
    request = CompleteRequest(fan.fan_id, held, card, "key", "")
    names = ["buyer", "first rescuer", "second rescuer"]
    names += ["repeat"] * (rng.random() < REPEAT_SHARE)
    dooms = {
        name: Doom(rng.randrange(LIFE_MAX), rng.random() < 0.5)
        for name in names
        if not is_late and rng.random() < DEATH_SHARE
    }
    turns = Turns(rng, dooms)
    staged = StagedShop(shop, turns)
    actors: dict[str, Any] = {
        "buyer": staged.bookings.complete(request),
        "first rescuer": rescue(shop, staged, held, wait(turns, rng.randrange(MOMENTS_MAX))),
        "second rescuer": rescue(shop, staged, held, wait(turns, rng.randrange(MOMENTS_MAX))),
    }
    if "repeat" in names:
        actors["repeat"] = staged.bookings.complete(request)
    if is_late or rng.random() < DEADLINE_SHARE:
        moments = wait(turns, rng.randrange(MOMENTS_MAX))
        actors["time"] = pass_deadline(
            shop, turns, held, moments, takes_money=rng.random() < LATE_MONEY_SHARE
        )
    answers = await turns.run(actors)
    end = await finish(shop, held)
    for name in ("buyer", "repeat"):
        check_answer(answers.get(name), end, f"seed {seed}, {name}")
    await fan_asks_again(fan, held, card, end, f"seed {seed}")
    return Told(tuple(turns.told), end)


async def order_of(shop: Shop, held: str) -> str | None:
    """Return the order of a reservation; there is never more than one here."""
    rows = await shop.rows("SELECT order_id::text FROM orders WHERE reservation_id = %s", held)
    assert len(rows) <= 1, rows
    return str(rows[0][0]) if rows else None


async def wait(turns: Turns, moments: int) -> None:
    """Let so many turns pass, so that things happen to an order in the middle of its life, too."""

    async def nothing() -> None:
        return None

    for _ in range(moments):
        await turns.around("a moment", nothing)


async def rescue(
    shop: Shop, staged: StagedShop, held: str, moments: Coroutine[Any, Any, None]
) -> None:
    """Carry the order, whoever else may be at it: leases are for speed, not for safety."""
    await moments
    for _ in range(RESCUES):
        # Its own effect, so that it may come at any moment.
        found = await staged.checkout.orders.by_reservation(held, "")
        assert found is None
        order = await order_of(shop, held)
        if order is not None:
            await staged.checkout.run(order)


async def pass_deadline(
    shop: Shop, turns: Turns, held: str, moments: Coroutine[Any, Any, None], *, takes_money: bool
) -> None:
    """Let the deadline pass at any moment; the bank may have taken the money just before."""
    await moments

    async def work() -> None:
        order = await order_of(shop, held)
        if order is None:
            return
        for intent in shop.intents_of(order):
            if takes_money and intent.status == "requires_action":
                book = shop.provider[BOOK]
                book.put(intents.authorize(intent, shop.clock.now_ms()))
                book.capture(intent.id, None)
        await shop.let_deadline_pass(order)

    await turns.around("the deadline", work)


async def finish(shop: Shop, held: str) -> str:
    """Let rescuers who live end it; return the state it ends in, "" for no order."""
    order = await order_of(shop, held)
    if order is None:
        return ""
    for _ in range(ROUNDS_MAX):
        if (await shop.parts.checkout.run(order)).state in FINAL:
            break
        # Nobody answers the bank's question any more.
        await shop.let_deadline_pass(order)
    await shop.rows("UPDATE orders SET carried_until = NULL WHERE order_id = %s", order)
    await shop.rows("UPDATE outbox SET not_before = now() WHERE done_at IS NULL")
    await shop.outbox.work()
    return await shop.state_of(order)


def check_answer(answer: Any, end: str, why: str) -> None:
    """Whoever was told of a sale has one."""
    if getattr(answer, "status", 0) == 201:
        assert end == "SOLD", f"{why} was told of a sale, and the order is {end or 'none'}"


async def fan_asks_again(fan: Fan, held: str, card: str, end: str, why: str) -> None:
    """The buyer's own repeat agrees with how it ended."""
    if not end:
        return
    reply = await fan.complete(held, card, "key")
    assert (reply.status == 201) == (end == "SOLD"), f"{why}: {reply} after {end}"
    assert reply.status in (201, 402, 409, 410), f"{why}: {reply}"
