"""Whether what was done to one seat fits into any order at all (after Wing and Gong, with memory)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# A seat's state: free, held by a reservation, or sold to one.
State = tuple[str, str]
FREE: State = ("free", "")


@dataclass(frozen=True, slots=True)
class Deed:
    """One deed: at some moment between its two; one without an end may never have happened."""

    kind: Literal["hold", "end", "sell"]
    who: str
    began_ms: int
    ended_ms: int | None
    # A sale by somebody whose hold was lost with its Redis: the first claim wins.
    needs_hold: bool = True

    @property
    def is_certain(self) -> bool:
        """Whether it happened."""
        return self.ended_ms is not None


def after(state: State, deed: Deed) -> State | None:
    """Return the state after the deed, or None where it was impossible."""
    kind, who = state
    match deed.kind:
        case "hold":
            return ("held", deed.who) if kind == "free" else None
        case "end":
            return FREE if state == ("held", deed.who) else None
        case "sell":
            if kind == "sold" or (deed.needs_hold and (kind != "held" or who != deed.who)):
                return None
            return ("sold", deed.who)


def is_possible(deeds: Sequence[Deed]) -> bool:
    """Whether there is an order of the deeds, each within its time, that a seat can have lived."""
    count = len(deeds)
    certain = sum(1 << i for i, deed in enumerate(deeds) if deed.is_certain)
    seen: set[tuple[int, State]] = set()
    stack: list[tuple[int, State]] = [(0, FREE)]
    while stack:
        done, state = stack.pop()
        if done & certain == certain:
            return True
        if (done, state) in seen:
            continue
        seen.add((done, state))
        # Whatever is next began before each of those that are left has ended.
        first_end = min(
            deed.ended_ms
            for i, deed in enumerate(deeds)
            if deed.ended_ms is not None and not done >> i & 1
        )
        for i in range(count):
            if done >> i & 1 or deeds[i].began_ms > first_end:
                continue
            moved = after(state, deeds[i])
            if moved is not None:
                stack.append((done | 1 << i, moved))
    return False
