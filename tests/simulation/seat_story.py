"""One sale of seats and stock, told by a seed: who acts next, what they ask, which reply is lost."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from groundwork.redis_store import RedisStore
from tests.simulation.script_caller import EPOCH, ScriptCaller
from tests.simulation.seat_invariants import check_books, check_counts, read_books
from tests.simulation.seats_in_redis import HOLD_MS, Held, SeatsInRedis, read_hold

FANS = 300
SEATS_MAX = 4
ROWS = [(12 * row, 12) for row in range(4)]
SEATS = 48
BLOCKED = frozenset({46, 47})
STOCK = {"standing": 18}
STEPS = 350
# Checked after every so many steps: often enough to find the step, seldom enough to be quick.
CHECK_EVERY = 5


@dataclass
class Order:
    """What the ledger knows of one order; it alone says what is sold."""

    order_id: str
    held: Held
    outcome: str = ""
    is_shown: bool = False


@dataclass
class Fan:
    """What one fan believes to hold, and what they will ask once more."""

    fan_id: str
    holds: list[Held] = field(default_factory=list)
    unanswered: Callable[[], Awaitable[Any]] | None = None
    first_answers: dict[str, Held] = field(default_factory=dict)


class SeatStory:
    """Fans, a ledger and a sweeper on one event; each step one of them acts."""

    def __init__(self, store: RedisStore, seed: int) -> None:
        self.rng = random.Random(seed)
        self.call = ScriptCaller(store, EPOCH)
        # One that slept through a change of epochs, and still knows the scripts of the old one.
        self.old_process = ScriptCaller(store, EPOCH - 1)
        self.event = SeatsInRedis(self.call, f"story-{seed}", seats_max=SEATS_MAX)
        self.fans = [Fan(f"fan-{number}") for number in range(FANS)]
        self.crowd = self.fans[: self.rng.choice([8, 40, FANS])]
        self.orders: list[Order] = []
        self.claimed: dict[int, str] = {}
        self.claimed_stock = 0
        # A sale that comes after its hold was lost is right, and may overdraw a limit and the stock.
        self.late_fans: set[str] = set()
        self.is_stock_late = False
        self.has_sweeper = self.rng.random() < 0.5
        self.loses_replies = self.rng.random() < 0.7
        self.steps: list[str] = []
        self.happened: Counter[str] = Counter()

    async def tell(self) -> Counter[str]:
        """Run the story to its end and answer what happened how often."""
        await self.call.store.call("FLUSHDB")
        await self.old_process.load()
        await self.call.load()
        status = "".join("3" if seat in BLOCKED else "0" for seat in range(SEATS))
        await self.event.activate(status, {"front": ROWS[:2], "back": ROWS[2:]}, STOCK)
        acts = (
            (self.hold_named, 5), (self.hold_best, 4), (self.hold_stock, 3), (self.ask_again, 4),
            (self.extend, 2), (self.release, 2), (self.forget, 1), (self.order, 4),
            (self.decide, 2), (self.show, 3), (self.let_time_pass, 4), (self.sweep, 1),
            (self.wake_an_old_process, 0.5),
        )  # fmt: skip
        for step in range(STEPS):
            act = self.rng.choices([act for act, _ in acts], [weight for _, weight in acts])[0]
            self.steps.append(act.__name__)
            await act()
            if step % CHECK_EVERY == 0:
                await self.check()
        await self.end()
        return self.happened

    def note(self, answer: list[Any]) -> None:
        """Count an answer."""
        self.happened[answer[0]] += 1
        self.steps[-1] += f" -> {answer}"

    async def ask(
        self, fan: Fan, operation: str, question: Callable[[], Awaitable[list[Any]]]
    ) -> None:
        """Ask to hold; when the reply is lost the fan knows nothing, and asks the same again later."""
        answer = await question()
        self.note(answer)
        if self.loses_replies and self.rng.random() < 0.3:
            self.happened["lost reply"] += 1
            if answer[0] == "held":
                fan.first_answers[operation] = read_hold(answer[1], answer[2])

            async def again() -> None:
                repeated = await question()
                self.note(repeated)
                self.take_in(fan, operation, repeated)

            fan.unanswered = again
        else:
            self.take_in(fan, operation, answer)

    def take_in(self, fan: Fan, operation: str, answer: list[Any]) -> None:
        """The fan learns what they hold. A repeat must be told what the first was."""
        if answer[0] != "held":
            return
        held = read_hold(answer[1], answer[2])
        assert held.fan_id == fan.fan_id, "a hold of somebody else"
        first = fan.first_answers.get(operation)
        if first is not None:
            assert first.reservation_id == held.reservation_id, "a repeat made a second hold"
        if held.reservation_id not in {hold.reservation_id for hold in fan.holds}:
            fan.holds.append(held)

    def anyone(self) -> Fan:
        """Pick who acts."""
        return self.rng.choice(self.crowd)

    def operation(self) -> str:
        """Return the id of a new operation."""
        return f"op-{len(self.steps)}"

    async def hold_named(self) -> None:
        """Ask for seats, near each other so that fans meet."""
        first, count = self.rng.randrange(SEATS - 4), self.rng.randint(1, 4)
        seats = sorted(self.rng.sample(range(first, first + 5), count))
        fan, operation = self.anyone(), self.operation()
        await self.ask(fan, operation, lambda: self.event.hold_seats(fan.fan_id, seats, operation))

    async def hold_best(self) -> None:
        """Ask for the best."""
        fan, operation = self.anyone(), self.operation()
        count, chance = self.rng.randint(1, 4), self.rng.randrange(100)
        await self.ask(
            fan,
            operation,
            lambda: self.event.hold_best(
                fan.fan_id, count, ["front", "back"], operation, chance=chance
            ),
        )

    async def hold_stock(self) -> None:
        """Ask for stock."""
        fan, operation, count = self.anyone(), self.operation(), self.rng.randint(1, 4)
        await self.ask(
            fan, operation, lambda: self.event.hold_stock(fan.fan_id, "standing", count, operation)
        )

    async def ask_again(self) -> None:
        """Somebody whose reply was lost asks once more; sometimes they never do."""
        waiting = [fan for fan in self.crowd if fan.unanswered]
        if waiting:
            fan = self.rng.choice(waiting)
            assert fan.unanswered
            question, fan.unanswered = fan.unanswered, None
            await question()

    def a_hold(self) -> tuple[Fan, Held] | None:
        """Pick a hold that a fan believes in."""
        holding = [fan for fan in self.crowd if fan.holds]
        if not holding:
            return None
        fan = self.rng.choice(holding)
        return fan, self.rng.choice(fan.holds)

    async def extend(self) -> None:
        """A fan wishes for more time."""
        if found := self.a_hold():
            fan, held = found
            self.note(await self.event.extend(fan.fan_id, held.reservation_id))

    async def release(self) -> None:
        """A fan lets go of a hold that is not being paid for; a stranger may try to."""
        if found := self.a_hold():
            fan, held = found
            if self.rng.random() < 0.2:
                answer = await self.event.release("stranger", held.reservation_id)
                assert answer == ["absent"]
                return
            if any(order.held.reservation_id == held.reservation_id for order in self.orders):
                return
            self.note(await self.event.release(fan.fan_id, held.reservation_id))
            fan.holds.remove(held)

    async def forget(self) -> None:
        """A fan's machine dies: they know of nothing any more."""
        fan = self.anyone()
        fan.holds, fan.unanswered = [], None
        fan.first_answers.clear()

    async def order(self) -> None:
        """Claim a live hold in the ledger, where a seat has one owner, and keep it for the payment."""
        if not (found := self.a_hold()):
            return
        fan, held = found
        answer = await self.event.read(fan.fan_id, held.reservation_id)
        if answer[0] != "held":
            fan.holds.remove(held)
            return
        if any(order.held.reservation_id == held.reservation_id for order in self.orders):
            return
        if any(seat in self.claimed for seat in held.seats):
            self.happened["claim refused"] += 1
            return
        if self.claimed_stock + held.quantity > STOCK["standing"]:
            return
        self.claimed |= dict.fromkeys(held.seats, fan.fan_id)
        self.claimed_stock += held.quantity
        self.orders.append(Order(f"order-{len(self.orders)}", held))
        if self.rng.random() < 0.5:  # else Redis did not answer: the claim is what counts
            await self.event.extend(fan.fan_id, held.reservation_id, "payment", 5 * HOLD_MS)

    async def decide(self) -> None:
        """The ledger makes an order a sale, or gives its claims back."""
        undecided = [order for order in self.orders if not order.outcome]
        if undecided:
            order = self.rng.choice(undecided)
            order.outcome = self.rng.choice(["sold", "released"])
            if order.outcome == "released":
                for seat in order.held.seats:
                    del self.claimed[seat]
                self.claimed_stock -= order.held.quantity

    async def show(self) -> None:
        """The outbox shows an outcome in Redis, often twice."""
        decided = [order for order in self.orders if order.outcome]
        unshown = [order for order in decided if not order.is_shown] or decided
        if not unshown:
            return
        order = self.rng.choice(unshown)
        held = order.held
        is_alive = (await self.event.read(held.fan_id, held.reservation_id))[0] == "held"
        if order.outcome == "sold" and not order.is_shown and not is_alive:
            self.late_fans.add(held.fan_id)
            self.is_stock_late = self.is_stock_late or bool(held.tier)
            self.happened["late sale"] += 1
        answer = await self.event.settle(held, order.outcome, order.order_id)
        self.note(answer)
        assert answer[0] == ("settled_before" if order.is_shown else "settled")
        order.is_shown = True

    async def let_time_pass(self) -> None:
        """Mostly a little; sometimes to the very end of a hold."""
        if self.rng.random() < 0.3:
            first = await self.call.store.call(
                "ZRANGE", self.event.keys["expiries"], 0, 0, "WITHSCORES"
            )
            if first:
                end = int(float(first[0][1] if isinstance(first[0], list) else first[1]))
                self.event.now = max(self.event.now, end + self.rng.choice([-1, 0, 1]))
                return
        self.event.now += self.rng.choice([1, 500, 5_000, HOLD_MS // 2])

    async def sweep(self) -> None:
        """The sweeper comes by, if there is one."""
        if self.has_sweeper:
            self.note(await self.event.sweep(self.rng.choice([1, 500])))

    async def wake_an_old_process(self) -> None:
        """A process of an earlier epoch acts as if nothing had happened."""
        old = SeatsInRedis(self.old_process, self.event.event_id, now=self.event.now)
        answer = await old.hold_best("sleeper", 1, ["front"])
        assert answer == ["fenced", str(EPOCH)], f"an old epoch was answered {answer[0]}"

    def sold(self) -> list[Order]:
        """Orders that Redis shows as sold."""
        return [order for order in self.orders if order.outcome == "sold" and order.is_shown]

    async def check(self) -> None:
        """Everything adds up, by what the stores say."""
        sold_seats: dict[int, str] = {}
        bought: Counter[str] = Counter()
        stock = 0
        for order in self.sold():
            for seat in order.held.seats:
                assert seat not in sold_seats, f"seat {seat} is sold twice"
                sold_seats[seat] = order.held.fan_id
            stock += order.held.quantity
            bought[order.held.fan_id] += order.held.quantity or len(order.held.seats)
        books = await read_books(self.event)
        check_books(
            books, sold_seats=sold_seats, sold_stock={"standing": stock}, capacity=STOCK,
            blocked=BLOCKED,
        )  # fmt: skip
        check_counts(books, bought)
        for fan_id, count in books.fan_counts.items():
            assert count <= SEATS_MAX or fan_id in self.late_fans, f"{fan_id} has {count}"
        assert books.stock["standing"] >= 0 or self.is_stock_late, "less than nothing is left"
        for fan in self.crowd:
            for held in fan.holds:
                assert books.reservations.get(held.reservation_id, {}).get(
                    "fan_id", fan.fan_id
                ) == (fan.fan_id), "a hold changed hands"

    async def end(self) -> None:
        """Faults stop: every order is settled, every dead hold freed, and all is told to Redis."""
        for order in self.orders:
            order.outcome = order.outcome or "sold"
            held = order.held
            if not order.is_shown:
                is_alive = (await self.event.read(held.fan_id, held.reservation_id))[0] == "held"
                if order.outcome == "sold" and not is_alive:
                    self.late_fans.add(held.fan_id)
                    self.is_stock_late = self.is_stock_late or bool(held.tier)
                order.is_shown = True
                await self.event.settle(held, order.outcome, order.order_id)
        await self.check()
        self.event.now += 10 * HOLD_MS
        await self.event.sweep(10 * STEPS)
        await self.check()
        books = await read_books(self.event)
        assert not books.reservations, "a dead hold was never freed"
        status = books.status
        assert status.count("0") + status.count("2") + len(BLOCKED) == SEATS
        assert status.count("2") == sum(len(order.held.seats) for order in self.sold())
        sold_stock = sum(order.held.quantity for order in self.sold())
        assert books.stock["standing"] + sold_stock == STOCK["standing"]


async def tell_seat_story(store: RedisStore, seed: int) -> Counter[str]:
    """Run one seed; on failure say which, and what happened last."""
    story = SeatStory(store, seed)
    try:
        return await story.tell()
    except AssertionError as error:
        last = "\n  ".join(story.steps[-30:])
        raise AssertionError(f"seats seed={seed}: {error}\nthe last steps:\n  {last}") from error
