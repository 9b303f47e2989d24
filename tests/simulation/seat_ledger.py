"""The ledger of a seat story: it alone says what is sold, and everything else is held against it."""

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.seat_invariants import Books, check_books, check_counts, read_books
from tests.simulation.seat_wishes import Hall
from tests.simulation.seats_in_redis import Held, SeatsInRedis, read_hold

SEATS_MAX = 4


@dataclass
class Order:
    """What the ledger knows of one order."""

    order_id: str
    held: Held
    outcome: str = ""
    is_shown: bool = False


@dataclass
class SeatLedger:
    """Orders, and who has claimed what; a seat has one owner here."""

    event: SeatsInRedis
    rng: random.Random
    hall: Hall
    orders: list[Order] = field(default_factory=list)
    claimed: dict[int, str] = field(default_factory=dict)
    claimed_stock: int = 0
    # A sale that comes after its hold was lost is right, and may overdraw a limit and the stock.
    late_fans: set[str] = field(default_factory=set)
    is_stock_late: bool = False

    def has(self, held: Held) -> bool:
        """Say whether there is an order of this hold."""
        return any(order.held.reservation_id == held.reservation_id for order in self.orders)

    def claim(self, held: Held) -> bool:
        """Make an order of a hold; False when somebody has claimed one of its seats."""
        if any(seat in self.claimed for seat in held.seats):
            return False
        if self.claimed_stock + held.quantity > self.hall.stock["standing"]:
            return False
        self.claimed |= dict.fromkeys(held.seats, held.fan_id)
        self.claimed_stock += held.quantity
        self.orders.append(Order(f"order-{len(self.orders)}", held))
        return True

    def decide(self) -> None:
        """Make an order a sale, or give its claims back."""
        undecided = [order for order in self.orders if not order.outcome]
        if undecided:
            order = self.rng.choice(undecided)
            order.outcome = self.rng.choice(["sold", "released"])
            if order.outcome == "released":
                for seat in order.held.seats:
                    del self.claimed[seat]
                self.claimed_stock -= order.held.quantity

    def an_outcome(self) -> Order | None:
        """Return an order whose outcome is to be shown, or was; None without any."""
        decided = [order for order in self.orders if order.outcome]
        unshown = [order for order in decided if not order.is_shown] or decided
        return self.rng.choice(unshown) if unshown else None

    async def is_late(self, order: Order) -> bool:
        """Say whether a sale is about to be shown whose hold is gone or another, and note it."""
        held = order.held
        if order.outcome != "sold" or order.is_shown:
            return False
        answer = await self.event.read(held.fan_id, held.reservation_id)
        if answer[0] == "held":
            now = read_hold(held.reservation_id, answer[1])
            # Redis may not have been told of the payment; then it let the hold be swapped.
            if (now.seats, now.quantity) == (held.seats, held.quantity):
                return False
        self.late_fans.add(held.fan_id)
        self.is_stock_late = self.is_stock_late or bool(held.tier)
        return True

    async def show(self, order: Order) -> list[Any]:
        """Show an outcome in Redis."""
        answer = await self.event.settle(order.held, order.outcome, order.order_id)
        order.is_shown = True
        return answer

    async def show_all(self) -> None:
        """Make a sale of every order without an outcome, and show all of them."""
        for order in self.orders:
            order.outcome = order.outcome or "sold"
            if not order.is_shown:
                await self.is_late(order)
                await self.show(order)

    def sold(self) -> list[Order]:
        """Return the orders that Redis shows as sold."""
        return [order for order in self.orders if order.outcome == "sold" and order.is_shown]

    async def check(self, *, has_log: bool = True) -> Books:
        """Raise AssertionError unless Redis and the ledger agree in everything."""
        sold_seats: dict[int, str] = {}
        bought: Counter[str] = Counter()
        stock = 0
        for order in self.sold():
            for seat in order.held.seats:
                assert seat not in sold_seats, f"seat {seat} is sold twice"
                sold_seats[seat] = order.held.fan_id
            stock += order.held.quantity
            bought[order.held.fan_id] += order.held.quantity or len(order.held.seats)
        books = await read_books(self.event, has_log=has_log)
        check_books(
            books, sold_seats=sold_seats, sold_stock={"standing": stock}, capacity=self.hall.stock,
            allotment=self.hall.allotment,
        )  # fmt: skip
        check_counts(books, bought)
        for fan_id, count in books.fan_counts.items():
            assert count <= SEATS_MAX or fan_id in self.late_fans, f"{fan_id} has {count}"
        assert books.stock["standing"] >= 0 or self.is_stock_late, "less than nothing is left"
        return books
