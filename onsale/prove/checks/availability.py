"""C17, told and not judged: how long nobody was served around each fault, and how often somebody was."""

from collections.abc import Iterable
from dataclasses import dataclass

from onsale.prove.history import History

SECOND_MS = 1_000
# What a fault broke is felt until its repair is through: recovery of both stores takes less.
AFTER_MS = 10_000


@dataclass(frozen=True)
class Downtime:
    """The longest times without a hold, and without a sale, in and shortly after a fault."""

    hold_ms: int
    sale_ms: int


def downtimes(history: History) -> dict[str, Downtime]:
    """Return the worst of each fault."""
    holds = sorted(op.ended_ms for op in history.of("hold") if op.outcome == "ok")
    sales = sorted(row.sold_ms for row in history.end.orders if row.state == "SOLD")
    worst: dict[str, Downtime] = {}
    for fault in history.faults:
        if not fault.is_fired:
            continue
        span = (fault.began_ms, fault.ended_ms + AFTER_MS)
        before = worst.get(fault.name, Downtime(0, 0))
        worst[fault.name] = Downtime(
            max(before.hold_ms, longest_gap(holds, *span)),
            max(before.sale_ms, longest_gap(sales, *span)),
        )
    return worst


def longest_gap(moments: Iterable[int], since: int, till: int) -> int:
    """Return the longest time between two of the moments, counted within the span."""
    longest, last = 0, since
    for moment in moments:
        if moment < since:
            continue
        if moment > till:
            break
        longest, last = max(longest, moment - last), moment
    return longest


def shares(history: History) -> dict[str, float]:
    """Return the parts of all seconds with calls in which somebody got a clear answer."""
    answered: dict[int, bool] = {}
    for op in history.ops:
        second = op.ended_ms // SECOND_MS
        answered[second] = answered.get(second, False) or op.outcome != "unknown"
    if not answered:
        return {}
    return {"seconds in which somebody got a clear answer": sum(answered.values()) / len(answered)}
