"""Fans who change their minds, as Hypothesis acts them."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.simulation.holding_machine import (
    COUNTS,
    NAMED,
    OPERATIONS,
    SEATS_MAX,
    TIERS,
    HoldingMachine,
)
from tests.simulation.seat_model import ModelHold, NamedWish


class SwappingMachine(HoldingMachine):
    """Fans who swap what they hold."""

    @rule(which=st.integers(0), wish=NAMED, number=OPERATIONS)
    def swap_named(self, which: int, wish: NamedWish, number: str) -> None:
        """Change a hold for named seats."""
        if (found := self.begin_swap(which, self.text_of(wish), number)) is None:
            return
        old, answer, operation = found
        model = self.model
        if taken := model.taken(wish, old.name):
            assert answer == ["taken", *taken]
        elif kept := model.kept(wish, old.name):
            assert (answer[0], set(answer[1:])) == ("kept", kept)
        elif wish.has_orphan_rule and model.leaves_orphan(wish, old.name):
            assert answer[0] == "orphan"
        elif self.is_over(answer, old, len(wish.seats)):
            return
        else:
            self.end_swap(answer, old, operation)
            assert model.holds[old.name].seats == wish.seats

    @rule(which=st.integers(0), count=COUNTS, tiers=TIERS, number=OPERATIONS)
    def swap_best(self, which: int, count: int, tiers: tuple[str, ...], number: str) -> None:
        """Change a hold for the best."""
        if (found := self.begin_swap(which, self.event.best(count, tiers), number)) is None:
            return
        old, answer, operation = found
        if self.is_over(answer, old, count):
            return
        seen = self.seen("", tiers, old.name)
        if answer[0] == "sold_out":
            assert seen.count("0") < count
            return
        self.end_swap(answer, old, operation)
        assert all(seen[seat] == "0" for seat in self.model.holds[old.name].seats)

    @rule(which=st.integers(0), count=COUNTS, number=OPERATIONS)
    def swap_stock(self, which: int, count: int, number: str) -> None:
        """Change a hold for stock."""
        wish = self.event.stock("standing", count)
        if (found := self.begin_swap(which, wish, number)) is None:
            return
        old, answer, operation = found
        if self.is_over(answer, old, count):
            return
        if self.model.free_stock() + old.stock < count:
            assert answer == ["sold_out", 0]
        else:
            self.end_swap(answer, old, operation)

    def begin_swap(
        self, which: int, wish: str, number: str
    ) -> tuple[ModelHold, list[Any], str] | None:
        """Ask for a swap; None when what was asked for does not matter."""
        if not self.known:
            return None
        hold = self.known[which % len(self.known)]
        operation = f"swap-{hold.fan}-{number}" if number else ""
        answer = self.run(self.event.swap(hold.fan, hold.name, wish, operation or None))
        if self.is_repeat(answer, operation, "swapped"):
            return None
        old = self.model.live(hold.name, hold.fan)
        if old is None:
            assert answer == ["lost"]
            return None
        if old.paying_until > self.model.now:
            assert answer == ["paying", old.paying_until - self.model.now]
            return None
        self.model.sweep()
        self.model.end_offer(hold.fan, kept=hold.name)
        return old, answer, operation

    def is_over(self, answer: list[Any], old: ModelHold, count: int) -> bool:
        """Say whether the fan would have too much."""
        total = self.model.count(old.fan)
        if total - old.count + count <= SEATS_MAX:
            return False
        assert answer == ["over_limit", total, 0]
        return True

    def end_swap(self, answer: list[Any], old: ModelHold, operation: str) -> None:
        """The hold has something else now, with its old name and clock."""
        assert answer[:2] == ["swapped", old.name]
        if old.is_offer:
            self.model.offers.pop(old.fan)
        new = self.take_in(answer, operation)
        self.model.holds[old.name] = replace(new, paying_until=0)
        assert (new.ends_at, new.is_extended) == (old.ends_at, old.is_extended)
        assert not new.is_offer
