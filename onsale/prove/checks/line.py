"""The line: each place is one fan's, it is called forwards only, and nobody goes in uncalled."""

import math
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from onsale.prove.checks.seats import may_void_holds
from onsale.prove.history import History, Op

# An answer is noted this long after what it tells at most, by two clocks of one machine that both
# count whole milliseconds.
CLOCK_STEP_MS = 1


def line_broken(history: History) -> Iterator[str]:
    """C11: no place twice, never called backwards, nobody in before their turn or with a forged place."""
    yield from places_given_twice(history)
    yield from places_changed(history)
    yield from called_backwards(history)
    yield from let_in_uncalled(history)
    for op in history.of("sneak"):
        if op.outcome == "ok":
            yield f"{op.fan} was let in with a place they wrote themselves"


def joins(history: History) -> list[Op]:
    """Return the joins that were answered with a place."""
    return [op for op in history.of("join") if op.outcome == "ok" and "place" in op.numbers]


def places_given_twice(history: History) -> Iterator[str]:
    """Yield every place that two fans have, whatever happened between them."""
    fans: dict[int, set[str]] = defaultdict(set)
    for op in joins(history):
        fans[op.numbers["place"]].add(op.fan)
    for place, names in fans.items():
        if len(names) > 1:
            yield f"place {place} was given to {', '.join(sorted(names))}"


def places_changed(history: History) -> Iterator[str]:
    """Yield fans who got another place when they asked again, with the same Redis."""
    first: dict[str, Op] = {}
    losses = [fault for fault in history.faults if may_void_holds(fault)]
    for op in joins(history):
        before = first.setdefault(op.fan, op)
        is_same = before.numbers["place"] == op.numbers["place"]
        is_lost = any(
            loss.began_ms <= op.ended_ms and loss.ended_ms >= before.began_ms for loss in losses
        )
        if not is_same and not is_lost:
            yield f"{op.fan} had place {before.numbers['place']}, then {op.numbers['place']}"


def called_backwards(history: History) -> Iterator[str]:
    """Yield where a later board (by the clock of Redis, which made it) says that fewer were called."""
    boards = sorted((op.numbers["at_ms"], op.numbers["serving"]) for op in boards_seen(history))
    highest = 0
    for (since, _), (till, serving) in pairwise([(0, 0), *boards]):
        if since < till and serving < highest:
            yield f"{highest} were called, and at {till} only {serving}"
        highest = max(highest, serving)


def let_in_uncalled(history: History) -> Iterator[str]:
    """Yield fans who were let in although a board made afterwards had not called their place."""
    boards = sorted((op.numbers["at_ms"], op.numbers["serving"]) for op in boards_seen(history))
    for op in history.of("admit"):
        later = bisect(boards, (op.ended_ms + CLOCK_STEP_MS, math.inf))
        if op.outcome != "ok" or later == len(boards):
            continue
        serving = boards[later][1]
        if serving < op.numbers["place"]:
            yield f"{op.fan} was let in at place {op.numbers['place']}, and {serving} were called"


def boards_seen(history: History) -> list[Op]:
    """Return the boards that somebody saw."""
    return [op for op in history.of("board") if op.outcome == "ok" and "serving" in op.numbers]
