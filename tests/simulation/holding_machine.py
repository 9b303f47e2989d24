"""Fans who hold, as Hypothesis acts them: on a real server, and in the model beside it."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from groundwork.redis_store import RedisStore, open_store
from tests.simulation.script_caller import NOON, ScriptCaller
from tests.simulation.seat_model import ModelHold, NamedWish, SeatModel, near_seats
from tests.simulation.seats_in_redis import HOLD_MS, SeatsInRedis, read_hold

ROWS = ((0, 6), (6, 6), (12, 5))
BLOCKS = {"front": ROWS[:2], "back": ROWS[2:]}
BACK = 12
ALLOTMENT = "000045" + "000000" + "00033"
ALLOTMENTS = (ALLOTMENT, "000000" + "000000" + "00000", "000045" + "330000" + "00003")
PLACES = (4,)
COMPANIONS = {5: 4}
STOCK = 5
SEATS_MAX = 4

FANS = st.sampled_from(["ada", "bob", "cyd"])
OPERATIONS = st.sampled_from(["", "", "", "1", "2"])
CHANNELS = st.sampled_from(["", "", "", "press"])
SEATS = st.sampled_from(near_seats(len(ALLOTMENT)))
TIERS = st.sampled_from([("front",), ("back",), ("back", "front")])
COUNTS = st.integers(1, 4)
SELDOM = st.sampled_from([False, False, True])

NAMED = st.builds(NamedWish, SEATS, SELDOM, CHANNELS, SELDOM, st.booleans())


async def command(store: RedisStore, *words: str) -> Any:
    """Return the store's answer."""
    return await store.call(*words)


class HoldingMachine(RuleBasedStateMachine):
    """Three fans who ask for seats and stock."""

    url: ClassVar[str]

    @initialize()
    def begin(self) -> None:
        """Open an event."""
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        store = self.run(self.stack.enter_async_context(open_store(self.url)))
        self.run(command(store, "FLUSHDB"))
        self.event = SeatsInRedis(ScriptCaller(store), "hall", seats_max=SEATS_MAX)
        self.run(self.event.call.load())
        channels = {15: "press", 16: "press"}
        asked = self.event.activate(ALLOTMENT, BLOCKS, {"standing": STOCK}, channels=channels)
        assert self.run(asked) == ["activated"]
        self.model = SeatModel(
            ALLOTMENT, ROWS, channels, STOCK, SEATS_MAX, NOON, companions=COMPANIONS
        )
        self.known: list[ModelHold] = []
        self.remembered: dict[str, tuple[str, list[int] | None]] = {}
        self.version = 0

    def teardown(self) -> None:
        """Close the connection."""
        if hasattr(self, "runner"):
            self.run(self.stack.aclose())
            self.runner.close()

    def run(self, asked: Any) -> Any:
        """Return what is awaited."""
        return self.runner.run(asked)

    def take_in(self, answer: list[Any], operation: str) -> ModelHold:
        """The model learns of a hold that was made or changed."""
        held = read_hold(answer[1], answer[2])
        old = self.model.holds.get(held.reservation_id)
        hold = ModelHold(
            held.reservation_id, held.fan_id, tuple(held.seats), held.quantity,
            held.expires_at_ms, held.is_extended, held.is_offer, old.paying_until if old else 0,
        )  # fmt: skip
        self.model.holds[hold.name] = hold
        self.known.append(hold)
        if operation:
            self.remembered[operation] = (hold.name, None)
        return hold

    def is_repeat(self, answer: list[Any], operation: str, word: str = "held") -> bool:
        """Say whether the operation was run before; then this is what it must be answered."""
        if operation not in self.remembered:
            return False
        name, taken = self.remembered[operation]
        hold = self.model.holds.get(name)
        is_alive = hold is not None and hold.ends_at > self.model.now
        if taken is not None:
            assert answer[:2] == ["taken", name if is_alive else ""]
            assert answer[3:] == taken
        elif is_alive:
            assert answer[:2] == [word, name]
        else:
            assert answer == ["gone", name]
        return True

    @rule(fan=FANS, wish=NAMED, number=OPERATIONS)
    def hold_named(self, fan: str, wish: NamedWish, number: str) -> None:
        """Ask for named seats."""
        model, operation = self.model, f"seats-{fan}-{number}" if number else ""
        text = self.text_of(wish)
        answer = self.run(self.event.hold("hold_seats", fan, text, operation or None))
        if self.is_repeat(answer, operation):
            return
        model.sweep()
        own = model.own_hold(fan, wish.seats)
        if fan in model.offers and not own:
            model.end_offer(fan)
        taken = model.taken(wish)
        if own and (fan in model.offers or taken):
            model.accept(own.name)
            assert answer[:2] == ["held", own.name]
            if operation:
                self.remembered[operation] = (own.name, None)
        elif taken:
            self.look_at_offer(answer, fan, wish, taken, operation)
        elif kept := model.kept(wish):
            assert (answer[0], set(answer[1:])) == ("kept", kept)
        elif wish.has_orphan_rule and model.leaves_orphan(wish):
            assert answer[0] == "orphan"
            instead = replace(wish, seats=tuple(answer[1:]))
            assert len(set(instead.seats)) == len(wish.seats)
            assert not model.taken(instead)
        elif model.count(fan) + len(wish.seats) > SEATS_MAX:
            assert answer == ["over_limit", model.count(fan), 0]
        else:
            assert answer[0] == "held"
            hold = self.take_in(answer, operation)
            assert (hold.seats, hold.ends_at) == (wish.seats, model.now + HOLD_MS)

    def text_of(self, wish: NamedWish) -> str:
        """Return the wish in the words of the scripts."""
        tier = "back" if all(seat >= BACK for seat in wish.seats) else "front"
        rows = [row for row in ROWS if any(row[0] <= seat < sum(row) for seat in wish.seats)]
        places = self.places_wanted(wish)
        return self.event.named(
            wish.seats, rows=rows if wish.has_orphan_rule else (), channel=wish.channel,
            is_accessible=wish.is_accessible, companions=COMPANIONS,
            offer=tier if wish.wants_offer else "", offer_places=[places], places=len(places),
        )  # fmt: skip

    @staticmethod
    def places_wanted(wish: NamedWish) -> list[int]:
        """Return the accessible places of a wish that may have them."""
        return [place for place in PLACES if wish.is_accessible and place in wish.seats]

    def look_at_offer(
        self, answer: list[Any], fan: str, wish: NamedWish, taken: list[int], operation: str
    ) -> None:
        """A refusal comes with as many neighbours, if there are any and the fan may have them."""
        model, count = self.model, len(wish.seats)
        assert (answer[0], answer[3:]) == ("taken", taken)
        low, high = (BACK, 17) if all(seat >= BACK for seat in wish.seats) else (0, BACK)
        may_have = model.count(fan) + count <= SEATS_MAX
        places = self.places_wanted(wish)
        has_room = (
            any(model.has_place_beside(place, low, high, count) for place in places)
            if places
            else model.has_run(low, high, count)
        )
        assert bool(answer[1]) == (wish.wants_offer and may_have and has_room)
        if answer[1]:
            before = model.status()
            offer = self.take_in(answer, "")
            assert offer.is_offer
            assert offer.seats == tuple(range(offer.seats[0], offer.seats[0] + count))
            assert all(before[seat] in ("045" if places else "0") for seat in offer.seats)
            assert not places or set(places) & set(offer.seats)
            model.offers[fan] = offer.name
            if operation:
                self.remembered[operation] = (offer.name, taken)

    @rule(fan=FANS, count=COUNTS, tiers=TIERS, channel=CHANNELS, needs=SELDOM,
          number=OPERATIONS, chance=st.integers(0, 9))  # fmt: skip
    def hold_best(
        self, fan: str, count: int, tiers: tuple[str, ...], channel: str, needs: bool,
        number: str, chance: int,
    ) -> None:  # fmt: skip
        """Ask for the best."""
        model, operation = self.model, f"best-{fan}-{number}" if number else ""
        wish = self.event.best(
            count, tiers, channel=channel, chance=chance, accessible=PLACES if needs else (),
            companions=COMPANIONS,
        )  # fmt: skip
        answer = self.run(self.event.hold("hold_best", fan, wish, operation or None))
        if self.is_repeat(answer, operation):
            return
        model.sweep()
        model.end_offer(fan)
        if model.count(fan) + count > SEATS_MAX:
            assert answer == ["over_limit", model.count(fan), 0]
            return
        seen = self.seen(channel, tiers)
        if answer[0] == "sold_out":
            lacks_place = needs and not any(seen[place] in "04" for place in PLACES)
            assert lacks_place or seen.count("0") < count
            return
        hold = self.take_in_best(answer, operation, seen, count, needs=needs)
        run = any("0" * count in seen[first : first + length] for first, length in ROWS)
        if run and len(tiers) == 1 and not needs:
            assert max(hold.seats) - min(hold.seats) == count - 1, "neighbours were free"

    def take_in_best(
        self, answer: list[Any], operation: str, seen: str, count: int, *, needs: bool
    ) -> ModelHold:
        """What was chosen was free, and for this fan."""
        assert answer[0] in ("held", "swapped")
        hold = self.take_in(answer, operation)
        assert len(set(hold.seats)) == count
        assert all(seen[seat] in ("045" if needs else "0") for seat in hold.seats)
        assert not needs or set(PLACES) & set(hold.seats)
        assert all(COMPANIONS[seat] in hold.seats for seat in hold.seats if seen[seat] == "5")
        return hold

    def seen(self, channel: str, tiers: tuple[str, ...], own: str = "") -> str:
        """Return the status as a wish sees it, without the seats of other tiers."""
        model = self.model
        status = model.status(own)
        if channel:
            status = "".join(
                "0" if digit == "3" and model.channels.get(seat) == channel else "3"
                for seat, digit in enumerate(status)
            )
        return "".join(
            digit if ("back" if seat >= BACK else "front") in tiers else "-"
            for seat, digit in enumerate(status)
        )

    @rule(fan=FANS, count=COUNTS, number=OPERATIONS)
    def hold_stock(self, fan: str, count: int, number: str) -> None:
        """Ask for stock."""
        model, operation = self.model, f"stock-{fan}-{number}" if number else ""
        asked = self.event.hold_stock(fan, "standing", count, operation or None)
        answer = self.run(asked)
        if self.is_repeat(answer, operation):
            return
        model.sweep()
        model.end_offer(fan)
        if model.count(fan) + count > SEATS_MAX:
            assert answer == ["over_limit", model.count(fan), 0]
        elif model.free_stock() < count:
            assert answer == ["sold_out", 0]
        else:
            assert answer[0] == "held"
            assert self.take_in(answer, operation).stock == count
