"""What must have happened at least once: a run that met no trouble proves nothing."""

from collections import Counter
from collections.abc import Iterator, Sequence

from onsale.prove.history import History

# With these faults no call ever has a doubtful answer; with any other, some must.
QUIET_FAULTS = frozenset({"two-workers", "worker-killed", "worker-away", "worker-frozen"})
NEW_EPOCHS = frozenset({"redis-killed", "redis-emptied", "redis-flushed", "power-cut",
                        "redis-scripts-forgotten", "redis-restarted", "redis-log-cut-short"})  # fmt: skip


def met(history: History, wanted: Sequence[str]) -> dict[str, int]:
    """Return how often each thing happened that must have happened."""
    reasons = Counter(row.reason for row in history.end.orders if row.state == "RELEASED")
    answers = Counter((op.verb, op.outcome, op.status) for op in history.ops)
    fired = Counter(fault.name for fault in history.faults if fault.is_fired)
    met = {f"fault {name}": fired[name] for name in wanted}
    met |= {
        "sales": sum(row.state == "SOLD" for row in history.end.orders),
        "races for a seat lost": answers["hold", "fail", 409],
        "cards declined": answers["complete", "fail", 402],
        "outcomes told later (202)": answers["complete", "ok", 202],
        "payments past their deadline": reasons["deadline"],
        "holds that ran out": sum(row.kind == "expired" for row in history.end.holds),
        "fans let in from the line": answers["admit", "ok", 201],
        "forged tickets refused": answers["sneak", "fail", 401],
        "keys with another body refused": answers["other-body", "fail", 422],
    }
    if set(wanted) - QUIET_FAULTS:
        met["calls without a clear answer"] = sum(op.outcome == "unknown" for op in history.ops)
    if set(wanted) & NEW_EPOCHS:
        met["new epochs"] = history.end.epoch - 1
    return met


def never_met(history: History, wanted: Sequence[str]) -> Iterator[str]:
    """C18: everything that the run is about did happen."""
    for what, count in met(history, wanted).items():
        if not count:
            yield f"never: {what}"
