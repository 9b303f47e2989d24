"""One sale of seats and stock, told by a seed: who acts next, what they ask, which reply is lost."""

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from groundwork.redis_store import RedisStore
from tests.simulation.script_caller import EPOCH, ScriptCaller
from tests.simulation.seat_invariants import read_books
from tests.simulation.seat_ledger import SEATS_MAX, SeatLedger
from tests.simulation.seat_wishes import USUAL, Size, Wishes
from tests.simulation.seats_in_redis import HOLD_MS, Held, SeatsInRedis, read_hold


@dataclass
class Fan:
    """What one fan believes to hold, and what they will ask once more."""

    fan_id: str
    holds: list[Held] = field(default_factory=list)
    unanswered: Callable[[], Awaitable[Any]] | None = None
    first_answers: dict[str, Held] = field(default_factory=dict)


class SeatStory:
    """Fans, a ledger and a sweeper on one event; each step one of them acts."""

    def __init__(self, store: RedisStore, seed: int, size: Size = USUAL) -> None:
        self.size = size
        self.rng = random.Random(seed)
        self.call = ScriptCaller(store, EPOCH)
        # One that slept through a change of epochs, and still knows the scripts of the old one.
        self.old_process = ScriptCaller(store, EPOCH - 1)
        self.event = SeatsInRedis(self.call, f"story-{seed}", seats_max=SEATS_MAX)
        self.crowd = [Fan(f"fan-{number}") for number in range(self.rng.choice(size.crowds))]
        self.ledger = SeatLedger(self.event, self.rng, size.hall)
        self.has_sweeper = self.rng.random() < 0.5
        self.loses_replies = self.rng.random() < 0.7
        self.wishes = Wishes(
            self.event, self.rng, size.hall, has_orphan_rule=self.rng.random() < 0.5
        )
        self.steps: list[str] = []
        self.happened: Counter[str] = Counter()

    async def tell(self) -> Counter[str]:
        """Run the story to its end and answer what happened how often."""
        await self.call.store.call("FLUSHDB")
        await self.old_process.load()
        await self.call.load()
        hall = self.size.hall
        half = hall.rows_count // 2
        rows = {"front": hall.rows[:half], "back": hall.rows[half:]}
        await self.event.activate(hall.allotment, rows, hall.stock, channels=hall.channels)
        acts = (
            (self.hold_named, 5), (self.hold_best, 4), (self.hold_stock, 3), (self.ask_again, 4),
            (self.swap, 4), (self.extend, 2), (self.release, 2), (self.forget, 1), (self.order, 4),
            (self.decide, 2), (self.show, 3), (self.let_time_pass, 4), (self.sweep, 1),
            (self.wake_an_old_process, 0.5),
        )  # fmt: skip
        for step in range(self.size.steps):
            act = self.rng.choices([act for act, _ in acts], [weight for _, weight in acts])[0]
            self.steps.append(act.__name__)
            await act()
            await self.check(has_log=step % self.size.log_every == 0)
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
        if answer[0] == "taken" and answer[1] and self.rng.random() < 0.5:
            self.happened["offer"] += 1
            fan.holds.append(read_hold(answer[1], answer[2]))  # or they do not care for it
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

    async def hold(self, script: str, wish: str) -> None:
        """Somebody asks for what they wish."""
        fan, operation = self.anyone(), self.operation()
        await self.ask(fan, operation, lambda: self.event.hold(script, fan.fan_id, wish, operation))

    async def hold_named(self) -> None:
        """Ask for named seats."""
        await self.hold("hold_seats", self.wishes.named())

    async def hold_best(self) -> None:
        """Ask for the best."""
        await self.hold("hold_best", self.wishes.best())

    async def swap(self) -> None:
        """A fan changes their mind about a hold; the reply may be lost, and they ask once more."""
        if not (found := self.a_hold()):
            return
        fan, held = found
        wish = self.wishes.any()
        operation = self.operation()
        before = await self.event.read(fan.fan_id, held.reservation_id)
        answer = await self.event.swap(fan.fan_id, held.reservation_id, wish, operation)
        self.note(answer)
        after = await self.event.read(fan.fan_id, held.reservation_id)
        if answer[0] == "swapped":
            assert after[1] == answer[2]
            if self.rng.random() < 0.3:
                again = await self.event.swap(fan.fan_id, held.reservation_id, wish, operation)
                assert again == answer, "a repeat swapped once more"
            fan.holds.remove(held)
            fan.holds.append(read_hold(answer[1], answer[2]))
        else:
            assert before == after, "a refused swap changed the hold"

    async def hold_stock(self) -> None:
        """Ask for stock."""
        await self.hold("hold_stock", self.wishes.stock())

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
            if self.ledger.has(held):
                return
            self.note(await self.event.release(fan.fan_id, held.reservation_id))
            fan.holds.remove(held)

    async def forget(self) -> None:
        """A fan's machine dies: they know of nothing any more."""
        fan = self.anyone()
        fan.holds, fan.unanswered = [], None
        fan.first_answers.clear()

    async def order(self) -> None:
        """Keep a live hold for the payment, and claim it in the ledger, where a seat has one owner."""
        if not (found := self.a_hold()):
            return
        fan, held = found
        # At times the provider takes longer than the hold was kept for.
        more_ms = self.rng.choice((HOLD_MS // 4, 5 * HOLD_MS))
        answer = await self.event.extend(fan.fan_id, held.reservation_id, "payment", more_ms)
        if answer[0] != "extended":
            fan.holds.remove(held)
            return
        held = read_hold(held.reservation_id, answer[1])
        if self.ledger.has(held):
            return
        if not self.ledger.claim(held):
            self.happened["claim refused"] += 1
            if self.rng.random() < 0.5:  # else Redis did not answer: it runs out later
                await self.event.release(fan.fan_id, held.reservation_id)
                fan.holds.remove(found[1])

    async def decide(self) -> None:
        """The ledger makes an order a sale, or gives its claims back."""
        self.ledger.decide()

    async def show(self) -> None:
        """The outbox shows an outcome in Redis, often twice."""
        if order := self.ledger.an_outcome():
            was_shown = order.is_shown
            if await self.ledger.is_late(order):
                self.happened["late sale"] += 1
            answer = await self.ledger.show(order)
            self.note(answer)
            assert answer[0] == ("settled_before" if was_shown else "settled")

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

    async def check(self, *, has_log: bool = True) -> None:
        """Everything adds up, by what the stores say."""
        books = await self.ledger.check(has_log=has_log)
        for fan in self.crowd:
            for held in fan.holds:
                assert books.reservations.get(held.reservation_id, {}).get(
                    "fan_id", fan.fan_id
                ) == (fan.fan_id), "a hold changed hands"

    async def end(self) -> None:
        """Faults stop: every order is settled, every dead hold freed, and all is told to Redis."""
        await self.ledger.show_all()
        await self.check()
        self.event.now += 10 * HOLD_MS
        await self.event.sweep(10 * self.size.steps)
        await self.check()
        books = await read_books(self.event)
        assert not books.reservations, "a dead hold was never freed"
        sold = self.ledger.sold()
        assert books.status.count("1") == 0
        assert books.status.count("2") == sum(len(order.held.seats) for order in sold)
        sold_stock = sum(order.held.quantity for order in sold)
        assert books.stock["standing"] + sold_stock == self.size.hall.stock["standing"]


async def tell_seat_story(store: RedisStore, seed: int, size: Size = USUAL) -> Counter[str]:
    """Run one seed; on failure say which, and what happened last."""
    story = SeatStory(store, seed, size)
    try:
        return await story.tell()
    except AssertionError as error:
        last = "\n  ".join(story.steps[-30:])
        raise AssertionError(f"seats seed={seed}: {error}\nthe last steps:\n  {last}") from error
